// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension ProxyAnswer {
    /// Reads `{"result": {…}}`, `{"error": {…}}` or `{"disconnect": {…}}`. Where several stand, what refuses wins; where
    /// none stands, nothing is permitted. Unknown keys are ignored.
    package init(_ method: ProxyMethod, _ body: Span<UInt8>) throws(Malformed) {
        guard let document = JSONScanner.document(body) else { throw Malformed(what: "the body is not JSON") }
        guard document.kind == .object else { throw Malformed(what: "the body is not an object") }
        var result: JSONMember?
        var error: JSONMember?
        var disconnect: JSONMember?
        var members = document.members
        while let member = members.next(in: body) {
            if member.value.isNull { continue }
            switch member.name(in: body) {
            case "result": result = member
            case "error": error = member
            case "disconnect": disconnect = member
            default: break
            }
        }
        if let disconnect {
            self = try Self.disconnect(disconnect, body)
        } else if let error {
            self = try Self.error(error, body)
        } else if let result {
            self = try Self.result(method, result, body)
        } else {
            self = try Self.withoutResult(method)
        }
    }

    /// A back-end that has nothing to say about a lease does not prolong it.
    private static func withoutResult(_ method: ProxyMethod) throws(Malformed) -> Self {
        var expired = RefreshResult()
        expired.isExpired = true
        return switch method {
        case .refresh: .refresh(expired)
        case .subRefresh: .subRefresh(expired)
        case .connect, .subscribe, .publish, .rpc: throw Malformed(what: "neither result nor error nor disconnect")
        }
    }

    private static func disconnect(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> Self {
        var code: UInt64 = 0
        var reason = ""
        var members = try ProxyFields.members(member, body)
        while let field = members.next(in: body) {
            switch field.name(in: body) {
            case "code": code = try ProxyFields.number(field, body)
            case "reason": reason = try ProxyFields.text(field, body)
            default: break
            }
        }
        guard 3000...4999 ~= code else { throw Malformed(what: "a disconnect's code is not one of 3000 to 4999") }
        // As much of it as fits a close frame.
        reason = String(reason.prefix(Self.reasonBytesMax))
        while reason.utf8.count > Self.reasonBytesMax { reason.removeLast() }
        return .disconnect(code: UInt16(code), reason: reason)
    }

    private static let reasonBytesMax = 123

    private static func error(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> Self {
        var code: UInt64 = 0
        var message = ""
        var isTemporary = false
        var members = try ProxyFields.members(member, body)
        while let field = members.next(in: body) {
            switch field.name(in: body) {
            case "code": code = try ProxyFields.number(field, body)
            case "message": message = try ProxyFields.text(field, body)
            case "temporary": isTemporary = try ProxyFields.flag(field, body)
            default: break
            }
        }
        guard 100...1999 ~= code else { throw Malformed(what: "an error's code is not one of 100 to 1999") }
        return .error(code: UInt32(code), message: message, isTemporary: isTemporary)
    }

    private static func result(
        _ method: ProxyMethod, _ member: JSONMember, _ body: Span<UInt8>
    ) throws(Malformed) -> Self {
        let members = try ProxyFields.members(member, body)
        return switch method {
        case .connect: .connect(try ConnectResult(members, body))
        case .refresh: .refresh(try RefreshResult(members, body))
        case .subscribe: .subscribe(try SubscribeResult(members, body))
        case .publish: .publish(try PublishResult(members, body))
        case .rpc: .rpc(data: try Self.data(members, body))
        case .subRefresh: .subRefresh(try RefreshResult(members, body))
        }
    }

    private static func data(_ members: JSONMembers, _ body: Span<UInt8>) throws(Malformed) -> [UInt8]? {
        var members = members
        var data: [UInt8]?
        var decoded: [UInt8]?
        while let field = members.next(in: body) {
            switch field.name(in: body) {
            case "data": data = ProxyFields.json(field, body)
            case "b64data": decoded = try ProxyFields.base64(field, body)
            default: break
            }
        }
        return decoded ?? data
    }
}

extension ProxyAnswer.ConnectResult {
    fileprivate init(_ members: JSONMembers, _ body: Span<UInt8>) throws(ProxyAnswer.Malformed) {
        var members = members
        var channels: [String] = []
        while let field = members.next(in: body) {
            switch field.name(in: body) {
            case "user": self.user = try ProxyFields.name(field, body)
            case "expire_at": self.expiresAt = try ProxyFields.time(field, body)
            case "info": self.info = self.info ?? ProxyFields.json(field, body)
            case "b64info": self.info = try ProxyFields.base64(field, body) ?? self.info
            case "data": self.data = self.data ?? ProxyFields.json(field, body)
            case "b64data": self.data = try ProxyFields.base64(field, body) ?? self.data
            case "meta": self.meta = ProxyFields.json(field, body)
            case "sid": self.session = try ProxyFields.optionalName(field, body)
            case "jti": self.token = try ProxyFields.optionalName(field, body)
            case "claims": self.claims = try ProxyFields.claims(field, body)
            case "channels": channels = try Self.channels(field, body)
            case "subs": self.subscriptions = try Self.subscriptions(field, body)
            default: break
            }
        }
        var known = Set(self.subscriptions.map(\.channel))
        for channel in channels where known.insert(channel).inserted {
            self.subscriptions.append(ServerSubscription(channel: channel))
        }
    }

    private static func channels(_ field: JSONMember, _ body: Span<UInt8>) throws(ProxyAnswer.Malformed) -> [String] {
        guard field.value.kind == .array || field.value.isNull else { throw .init(what: "channels is not an array") }
        var channels: [String] = []
        var elements = field.value.elements
        while let element = elements.next(in: body) {
            guard let channel = element.string(in: body), !channel.isEmpty else {
                throw .init(what: "channels holds what is no name")
            }
            channels.append(channel)
        }
        return channels
    }

    private static func subscriptions(
        _ field: JSONMember, _ body: Span<UInt8>
    ) throws(ProxyAnswer.Malformed) -> [ServerSubscription] {
        var subscriptions: [String: ServerSubscription] = [:]
        var members = try ProxyFields.members(field, body)
        while let member = members.next(in: body) {
            guard let channel = member.key.string(in: body), !channel.isEmpty else {
                throw .init(what: "subs holds what is no name")
            }
            let result = try ProxyAnswer.SubscribeResult(try ProxyFields.members(member, body), body)
            var subscription = ServerSubscription(channel: channel)
            subscription.info = result.info
            subscription.data = result.data
            subscription.expiresAt = result.expiresAt
            subscription.overrides = result.overrides
            subscriptions[channel] = subscription
        }
        return subscriptions.values.sorted { $0.channel < $1.channel }
    }
}

extension ProxyAnswer.RefreshResult {
    fileprivate init(_ members: JSONMembers, _ body: Span<UInt8>) throws(ProxyAnswer.Malformed) {
        var members = members
        while let field = members.next(in: body) {
            switch field.name(in: body) {
            case "expired": self.isExpired = try ProxyFields.flag(field, body)
            case "expire_at": self.expiresAt = try ProxyFields.time(field, body)
            case "info": self.info = self.info ?? ProxyFields.json(field, body)
            case "b64info": self.info = try ProxyFields.base64(field, body) ?? self.info
            case "meta": self.meta = ProxyFields.json(field, body)
            default: break
            }
        }
    }
}

extension ProxyAnswer.SubscribeResult {
    fileprivate init(_ members: JSONMembers, _ body: Span<UInt8>) throws(ProxyAnswer.Malformed) {
        var members = members
        while let field = members.next(in: body) {
            switch field.name(in: body) {
            case "expire_at": self.expiresAt = try ProxyFields.time(field, body)
            case "info": self.info = self.info ?? ProxyFields.json(field, body)
            case "b64info": self.info = try ProxyFields.base64(field, body) ?? self.info
            case "data": self.data = self.data ?? ProxyFields.json(field, body)
            case "b64data": self.data = try ProxyFields.base64(field, body) ?? self.data
            case "override": self.overrides = try ProxyFields.overrides(field, body)
            default: break
            }
        }
    }
}

extension ProxyAnswer.PublishResult {
    fileprivate init(_ members: JSONMembers, _ body: Span<UInt8>) throws(ProxyAnswer.Malformed) {
        var members = members
        while let field = members.next(in: body) {
            switch field.name(in: body) {
            case "data": self.data = ProxyFields.json(field, body)
            case "b64data": self.bytes = try ProxyFields.bytes(field, body)
            case "skip_history": self.skipsHistory = try ProxyFields.flag(field, body)
            case "tags": self.tags = try ProxyFields.tags(field, body)
            case "idempotency_key": self.idempotencyKey = try ProxyFields.optionalName(field, body)
            case "version": self.version = try ProxyFields.number(field, body)
            case "version_epoch": self.versionEpoch = try ProxyFields.text(field, body)
            default: break
            }
        }
    }
}
