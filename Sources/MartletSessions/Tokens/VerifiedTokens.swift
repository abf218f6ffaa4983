// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import MartletCore
import Synchronization

/// Tokens that were verified a moment ago, by their digest, so that those who reconnect all at once do not cost their
/// signatures again. Bounded: when the younger half is full it becomes the older one, whose entries are forgotten.
final class VerifiedTokens: Sendable {
    struct Entry: Sendable {
        let identity: Identity
        /// The first second at which the token is no longer accepted.
        let end: Int64?
    }

    private struct Halves {
        var young: [SHA256Digest: Entry] = [:]
        var old: [SHA256Digest: Entry] = [:]
        /// Grows with each change of keys, so that a verification that ran meanwhile leaves nothing behind.
        var generation = 0
    }

    private let halves = Mutex(Halves())
    private let halfMax: Int

    init(max: Int) { self.halfMax = Swift.max(1, max / 2) }

    var generation: Int { self.halves.withLock { $0.generation } }
    var count: Int { self.halves.withLock { $0.young.count + $0.old.count } }

    func identity(for digest: SHA256Digest, now: Double) -> Identity? {
        self.halves.withLock { halves in
            guard let entry = halves.young[digest] ?? halves.old[digest] else { return nil }
            if let end = entry.end, now >= Double(end) { return nil }
            return entry.identity
        }
    }

    func insert(_ entry: Entry, for digest: SHA256Digest, generation: Int) {
        self.halves.withLock { halves in
            guard halves.generation == generation else { return }
            if halves.young.count >= self.halfMax {
                halves.old = halves.young
                halves.young = [:]
            }
            halves.young[digest] = entry
        }
    }

    func removeAll() {
        self.halves.withLock { halves in
            halves.young = [:]
            halves.old = [:]
            halves.generation += 1
        }
    }
}
