// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol

/// Patches between publications of a stream, kept for moments: those who come back together recover the same.
struct RecoveredPatches {
    private struct Key: Hashable {
        var channel: String
        var position: StreamPosition
        var encoding: PublicationDelta.Encoding
    }

    /// Bytes of patches that are kept at most.
    private static let bytesMax = 4_194_304
    /// What an entry takes beside its patch.
    private static let overhead = 256
    /// For which they are kept, in the shard's 100 ms ticks.
    private static let lifetime: UInt32 = 50

    /// A patch with what it is between: after a fail-over of the bus a position may name another publication.
    private struct Entry {
        var before: Publication
        var publication: Publication
        var patch: Publication?
    }

    private var patches: [Key: Entry] = [:]
    private var bytes = 0
    private var begun: UInt32 = 0

    /// What was missed: the first in full, each other as a patch against the one before, where that is shorter.
    mutating func run(
        _ publications: [Publication], _ encoding: PublicationDelta.Encoding, bytesMax: Int, tick: UInt32
    ) -> [Publication] {
        var before: Publication?
        return publications.map { publication in
            defer { before = publication }
            return before.flatMap { self.patch(from: $0, to: publication, encoding, bytesMax: bytesMax, tick: tick) }
                ?? PublicationDelta(publication, base: nil, bytesMax: bytesMax).full(encoding)
        }
    }

    private mutating func patch(
        from before: Publication, to publication: Publication, _ encoding: PublicationDelta.Encoding, bytesMax: Int,
        tick: UInt32
    ) -> Publication? {
        var delta = PublicationDelta(publication, base: before, bytesMax: bytesMax)
        guard let position = publication.position, before.offset.map({ $0 &+ 1 }) == position.offset else {
            return delta.patch(encoding)
        }
        let key = Key(channel: publication.channel, position: position, encoding: encoding)
        if let known = self.patches[key], known.before == before, known.publication == publication {
            return known.patch
        }
        let made = delta.patch(encoding)
        let size = Self.overhead + (made?.data.count ?? 0) + before.data.count + publication.data.count
        if self.bytes + size > Self.bytesMax { self.clear() }
        if self.patches.isEmpty { self.begun = tick }
        self.bytes += size
        self.patches[key] = Entry(before: before, publication: publication, patch: made)
        return made
    }

    /// Lets go of what was kept long enough.
    mutating func expire(tick: UInt32) {
        if !self.patches.isEmpty, tick &- self.begun >= Self.lifetime { self.clear() }
    }

    private mutating func clear() {
        self.patches = [:]
        self.bytes = 0
    }
}
