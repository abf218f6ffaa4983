// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// A publication as those subscribers get it who take patches: in full, or as what has changed since the one before.
///
/// In JSON both are the text of a payload, or of a patch of such texts, inside a JSON string. In Protobuf they are bytes.
/// Each patch is made once, when it is first asked for.
package struct PublicationDelta: Sendable {
    package enum Encoding: Hashable, Sendable {
        case json, protobuf
    }

    private enum Patch {
        case unmade
        /// It would be no smaller than what it makes.
        case useless
        case made([UInt8])
    }

    private let publication: Publication
    private let base: Publication?
    private let bytesMax: Int
    private var text = Patch.unmade
    private var raw = Patch.unmade

    /// - Parameters:
    ///   - base: What the readers of a patch have; nil where there is nothing.
    ///   - bytesMax: Of payloads beyond this no patch is made.
    package init(_ publication: Publication, base: Publication?, bytesMax: Int) {
        self.publication = publication
        self.base = base
        self.bytesMax = bytesMax
    }

    /// For who has nothing that a patch could be for.
    package func full(_ encoding: Encoding) -> Publication {
        encoding == .json ? self.quoting(self.publication.json) : self.publication
    }

    /// For who has the publication before; nil where that is not shorter.
    package mutating func patch(_ encoding: Encoding) -> Publication? {
        guard let bytes = self.patchBytes(encoding) else { return nil }
        var patch = self.publication
        patch.data = bytes
        if encoding == .json { patch = self.quoting(bytes) }
        patch.isPatch = true
        return patch
    }

    package mutating func patchBytes(_ encoding: Encoding) -> [UInt8]? {
        guard let base else { return nil }
        let isText = !self.publication.isBinary && !base.isBinary
        // Of texts one patch serves both.
        if encoding == .json || isText {
            if case .unmade = self.text {
                self.text = self.make(base.json, self.publication.json, keepsCharacters: true)
            }
            if case .made(let bytes) = self.text { return bytes }
        } else {
            if case .unmade = self.raw {
                self.raw = self.make(base.data, self.publication.data, keepsCharacters: false)
            }
            if case .made(let bytes) = self.raw { return bytes }
        }
        return nil
    }

    private func make(_ base: [UInt8], _ target: [UInt8], keepsCharacters: Bool) -> Patch {
        guard base.count <= self.bytesMax, target.count <= self.bytesMax else { return .useless }
        return FossilDelta.patch(from: base, to: target, keepsCharacters: keepsCharacters).map { .made($0) } ?? .useless
    }

    private func quoting(_ text: [UInt8]) -> Publication {
        var publication = self.publication
        publication.isBinary = false
        publication.data = []
        JSONEscapes.append(text.span, to: &publication.data)
        return publication
    }
}
