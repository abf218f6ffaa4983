// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import SwiftProtobuf

/// The Protobuf encoding of the Centrifuge protocol: messages of `centrifuge.proto`, each with its length before it.
///
/// The payloads inside are JSON, so that subscribers of either encoding understand each other, but for those of channels
/// whose namespace says that they are any bytes.
package enum CentrifugeProtobuf {
    /// The empty message: a ping as well as a pong.
    package static let ping: [UInt8] = [0]

    /// Walks over the commands of a frame.
    package static func commands() -> CentrifugeCommandReader { CentrifugeCommandReader(.protobuf) }

    package static func encode(_ reply: CentrifugeReply, id: UInt32) -> [UInt8] {
        var message = ProtobufReply(reply)
        message.id = id
        return self.delimited(message)
    }

    package static func encode(_ push: CentrifugePush) -> [UInt8] {
        if case .publication(let publication) = push { return self.publicationPush(publication) }
        var message = ProtobufReply()
        message.push = ProtobufPush(push)
        return self.delimited(message)
    }

    /// A push by itself, as unidirectional transports send it.
    package static func encodeBare(_ push: CentrifugePush) -> [UInt8] {
        if case .publication(let publication) = push { return self.barePublicationPush(publication) }
        return self.delimited(ProtobufPush(push))
    }

    private static func delimited(_ message: some Message) -> [UInt8] {
        // It fails only for messages of gigabytes, which no limit lets come together.
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        guard let body: [UInt8] = try? message.serializedBytes(options: options) else { return [] }
        var writer = ProtobufWriter(capacity: ProtobufVarint.length(UInt64(body.count)) + body.count)
        writer.varint(UInt64(body.count))
        writer.append(body)
        return writer.bytes
    }
}
