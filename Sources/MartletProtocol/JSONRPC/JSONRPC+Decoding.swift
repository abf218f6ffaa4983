// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension JSONRPC {
    package static func decode(_ text: Span<UInt8>) -> JSONRPCMessage {
        guard let document = JSONScanner.document(text) else { return .invalid(.parseError) }
        switch document.kind {
        case .object:
            return .single(self.request(document, text))
        case .array:
            var requests: [JSONRPCRequest] = []
            var elements = document.elements
            while let element = elements.next(in: text) {
                guard requests.count < self.batchMax else { return .invalid(.invalidRequest) }
                requests.append(self.request(element, text))
            }
            return requests.isEmpty ? .invalid(.invalidRequest) : .batch(requests)
        default:
            return .invalid(.invalidRequest)
        }
    }

    private static func request(_ value: JSONValue, _ text: Span<UInt8>) -> JSONRPCRequest {
        let broken = JSONRPCRequest(id: self.nullID, call: .invalid(.invalidRequest))
        guard value.kind == .object else { return broken }
        var id: [UInt8]?
        var version: String?
        var method: String?
        var params: JSONValue?
        var members = value.members
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "jsonrpc": version = member.value.string(in: text)
            case "method": method = member.value.string(in: text)
            case "params": params = member.value
            case "id":
                guard self.isID(member.value, text) else { return broken }
                id = member.value.raw(in: text)
            default: break
            }
        }
        guard version == "2.0", let method else {
            return JSONRPCRequest(id: id ?? self.nullID, call: .invalid(.invalidRequest))
        }
        do throws(JSONRPCError) {
            return JSONRPCRequest(id: id, call: try self.call(method, Parameters(params, text)))
        } catch {
            return JSONRPCRequest(id: id, call: .invalid(error))
        }
    }

    /// A string that can be repeated as it stands, a number, or null.
    private static func isID(_ value: JSONValue, _ text: Span<UInt8>) -> Bool {
        guard value.range.count <= self.idBytesMax else { return false }
        switch value.kind {
        case .string: return value.string(in: text) != nil
        case .number, .null: return true
        default: return false
        }
    }

    private static func call(_ method: String, _ params: Parameters) throws(JSONRPCError) -> JSONRPCRequest.Call {
        switch method {
        case "connect": return .connect(token: try params.optional(params.token, "token"))
        case "refresh":
            let token = try params.required(params.token, "token")
            guard let channel = try params.optional(params.channel, "channel") else { return .refresh(token: token) }
            return .refreshSubscription(channel: channel, token: token)
        case "subscribe": return .subscribe(try self.subscribe(params))
        case "unsubscribe": return .unsubscribe(channel: try params.requiredChannel())
        case "publish":
            let channel = try params.requiredChannel()
            guard let data = params.data else { throw .invalidParams("data is missing") }
            return .publish(channel: channel, data: data)
        case "history": return .history(try self.history(params))
        case "presence": return .presence(channel: try params.requiredChannel())
        case "presence_stats": return .presenceStats(channel: try params.requiredChannel())
        case "ping": return .ping
        default: throw .methodNotFound
        }
    }

    private static func subscribe(_ params: Parameters) throws(JSONRPCError) -> JSONRPCRequest.Subscribe {
        var subscribe = JSONRPCRequest.Subscribe(channel: try params.requiredChannel())
        subscribe.token = try params.optional(params.token, "token")
        subscribe.since = try params.position()
        subscribe.recovers = try params.flag(params.recover, "recover") || subscribe.since != nil
        subscribe.joinLeave = try params.flag(params.joinLeave, "join_leave")
        return subscribe
    }

    private static func history(_ params: Parameters) throws(JSONRPCError) -> JSONRPCRequest.History {
        var history = JSONRPCRequest.History(channel: try params.requiredChannel())
        history.since = try params.position()
        history.limit = try params.count()
        history.isReverse = try params.flag(params.reverse, "reverse")
        return history
    }
}
