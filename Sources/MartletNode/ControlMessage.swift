// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol

/// What nodes tell each other over the bus, as one JSON object.
enum ControlMessage: Equatable, Sendable {
    /// A revocation that no durable topic carries, or that validation found.
    case invalidation(Invalidation)
    case disconnect(user: String, session: String?, client: String?, keep: [String], reason: CloseReason)

    var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        switch self {
        case .invalidation(let invalidation):
            writer.member("source", invalidation.source.rawValue)
            writer.member("invalidation", raw: InvalidationEncoder.martlet(invalidation))
        case .disconnect(let user, let session, let client, let keep, let reason):
            writer.key("disconnect")
            writer.beginObject()
            writer.member("user", user)
            if let session { writer.member("session", session) }
            if let client { writer.member("client", client) }
            writer.member("reason", reason.rawValue)
            writer.key("keep")
            writer.beginArray()
            for client in keep { writer.string(client) }
            writer.endArray()
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    /// Nil for what this version does not understand.
    init?(_ bytes: Span<UInt8>) {
        guard let document = JSONScanner.document(bytes), document.kind == .object else { return nil }
        var source: Invalidation.Source?
        var event: JSONValue?
        var disconnect: JSONValue?
        var members = document.members
        while let member = members.next(in: bytes) {
            switch member.name(in: bytes) {
            case "source": source = member.value.string(in: bytes).flatMap(Invalidation.Source.init)
            case "invalidation": event = member.value
            case "disconnect": disconnect = member.value
            default: break
            }
        }
        if let event {
            let decoder = InvalidationDecoder(source: source ?? .redis)
            let decoded = decoder.martlet(bytes.extracting(event.range), receivedAt: Clock.wall)
            guard case .success(let success) = decoded else { return nil }
            self = .invalidation(success.invalidation)
        } else if let disconnect, let parsed = Self.disconnect(disconnect, bytes) {
            self = parsed
        } else {
            return nil
        }
    }

    private static func disconnect(_ value: JSONValue, _ bytes: Span<UInt8>) -> ControlMessage? {
        guard value.kind == .object else { return nil }
        var user: String?
        var session: String?
        var client: String?
        var keep: [String] = []
        var reason = CloseReason.forceDisconnect
        var members = value.members
        while let member = members.next(in: bytes) {
            switch member.name(in: bytes) {
            case "user": user = member.value.string(in: bytes)
            case "session": session = member.value.string(in: bytes)
            case "client": client = member.value.string(in: bytes)
            case "reason": reason = member.value.string(in: bytes).flatMap(CloseReason.init) ?? reason
            case "keep":
                guard member.value.kind == .array else { return nil }
                var elements = member.value.elements
                while let element = elements.next(in: bytes), keep.count < APIRequest.whitelistMax {
                    if let client = element.string(in: bytes) { keep.append(client) }
                }
            default: break
            }
        }
        guard let user else { return nil }
        return .disconnect(user: user, session: session, client: client, keep: keep, reason: reason)
    }
}
