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
    package static func commands() -> CentrifugeCommandReader { CentrifugeCommandReader(.json) }

    package static func encode(_ reply: CentrifugeReply, id: UInt32) -> [UInt8] {
        var writer = JSONWriter(capacity: 160)
        self.write(reply, id: id, to: &writer)
        return writer.bytes
    }

    package static func encode(_ push: CentrifugePush) -> [UInt8] {
        var writer = JSONWriter(capacity: 160)
        writer.beginObject()
        writer.key("push")
        self.write(push, to: &writer)
        writer.endObject()
        return writer.bytes
    }

    /// A push by itself, as unidirectional transports send it.
    package static func encodeBare(_ push: CentrifugePush) -> [UInt8] {
        var writer = JSONWriter(capacity: 160)
        self.write(push, to: &writer)
        return writer.bytes
    }

    /// A publication, or a join or leave, as all subscribers of its channel get it: made once, in one allocation, and
    /// shared.
    package static func publicationPush(_ publication: Publication) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.sizeHint(publication))
        bytes.append(contentsOf: #"{"push":"#.utf8)
        self.append(publication, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// The same without a reply around it.
    package static func barePublicationPush(_ publication: Publication) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.sizeHint(publication))
        self.append(publication, to: &bytes)
        return bytes
    }

    /// The fixed parts take 82 bytes, an offset 30; a channel's name seldom needs escapes.
    private static func sizeHint(_ publication: Publication) -> Int {
        112 + publication.channel.utf8.count + publication.data.count + (publication.info?.count ?? 0)
            + (publication.tags?.count ?? 0)
    }

    private static func append(_ publication: Publication, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: #"{"channel":"#.utf8)
        JSONEscapes.append(publication.channel, to: &bytes)
        switch publication.kind {
        case .message: self.append(message: publication, to: &bytes)
        case .join: self.append(#","join":{"info":"#, who: publication, to: &bytes)
        case .leave: self.append(#","leave":{"info":"#, who: publication, to: &bytes)
        }
        bytes.append(contentsOf: "}}".utf8)
    }

    private static func append(message publication: Publication, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: #","pub":{"data":"#.utf8)
        bytes.append(contentsOf: publication.json)
        if publication.isPatch { bytes.append(contentsOf: #","delta":true"#.utf8) }
        if let info = publication.info, !info.isEmpty {
            bytes.append(contentsOf: #","info":"#.utf8)
            bytes.append(contentsOf: info)
        }
        if let offset = publication.offset, offset != 0 {
            bytes.append(contentsOf: #","offset":"#.utf8)
            bytes.append(decimal: offset)
        }
        if let tags = publication.tags, !tags.isEmpty {
            bytes.append(contentsOf: #","tags":"#.utf8)
            bytes.append(contentsOf: tags)
        }
    }

    private static func append(_ head: String, who publication: Publication, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: head.utf8)
        if let info = publication.info, !info.isEmpty {
            bytes.append(contentsOf: info)
        } else {
            bytes.append(contentsOf: #"{"user":"","client":""}"#.utf8)
        }
    }
}
