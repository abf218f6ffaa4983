// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// The JSON encoding of the Centrifuge protocol.
///
/// Zero values are omitted except where a client needs them, a result's object is there even when empty, and embedded
/// JSON stands on one line, because a line feed ends a message.
package enum CentrifugeJSON {
    /// A ping as well as a pong.
    package static let ping: [UInt8] = Array("{}".utf8)

    /// Walks over the commands of a frame.
    package static func commands() -> CentrifugeCommandReader { CentrifugeCommandReader() }

    package static func encode(_ reply: CentrifugeReply, id: UInt32) -> [UInt8] {
        var writer = JSONWriter(capacity: 160)
        self.write(reply, id: id, to: &writer)
        return writer.bytes
    }

    package static func encode(_ push: CentrifugePush) -> [UInt8] {
        if case .publication(let publication) = push { return self.publicationPush(publication) }
        var writer = JSONWriter(capacity: 160)
        writer.beginObject()
        writer.key("push")
        self.write(push, to: &writer)
        writer.endObject()
        return writer.bytes
    }

    /// A publication as all subscribers of its channel get it: made once, in one allocation, and shared.
    package static func publicationPush(_ publication: Publication) -> [UInt8] {
        var bytes: [UInt8] = []
        // The fixed parts take 72 bytes, an offset 30; a channel's name seldom needs escapes.
        bytes.reserveCapacity(
            102 + publication.channel.utf8.count + publication.data.count + (publication.info?.count ?? 0))
        bytes.append(contentsOf: #"{"push":{"channel":"#.utf8)
        JSONEscapes.append(publication.channel, to: &bytes)
        bytes.append(contentsOf: #","pub":{"data":"#.utf8)
        bytes.append(contentsOf: publication.data)
        if let info = publication.info, !info.isEmpty {
            bytes.append(contentsOf: #","info":"#.utf8)
            bytes.append(contentsOf: info)
        }
        if let offset = publication.offset, offset != 0 {
            bytes.append(contentsOf: #","offset":"#.utf8)
            bytes.append(decimal: offset)
        }
        bytes.append(contentsOf: "}}}".utf8)
        return bytes
    }
}
