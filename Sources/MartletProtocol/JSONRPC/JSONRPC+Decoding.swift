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
        case "connect": return .connect(token: try params.optionalToken())
        case "refresh": return .refresh(token: try params.required(params.token, "token"))
        case "subscribe": return .subscribe(channel: try params.required(params.channel, "channel"))
        case "unsubscribe": return .unsubscribe(channel: try params.required(params.channel, "channel"))
        case "publish":
            let channel = try params.required(params.channel, "channel")
            guard let data = params.data else { throw .invalidParams("data is missing") }
            return .publish(channel: channel, data: data)
        case "ping": return .ping
        default: throw .methodNotFound
        }
    }

    /// The parameters that any method has.
    private struct Parameters {
        /// A string, or what stands in its place.
        enum Text {
            case absent, wrong
            case text(String)
        }

        var token = Text.absent
        var channel = Text.absent
        var data: [UInt8]?
        private var isByName = true

        init(_ value: JSONValue?, _ text: Span<UInt8>) {
            guard let value, !value.isNull else { return }
            guard value.kind == .object else {
                self.isByName = false
                return
            }
            var members = value.members
            while let member = members.next(in: text) {
                switch member.name(in: text) {
                case "token": self.token = Self.text(member.value, text)
                case "channel": self.channel = Self.text(member.value, text)
                case "data": self.data = member.value.raw(in: text)
                default: break
                }
            }
        }

        private static func text(_ value: JSONValue, _ text: Span<UInt8>) -> Text {
            if value.isNull { return .absent }
            return value.string(in: text).map(Text.text) ?? .wrong
        }

        func required(_ parameter: Text, _ name: String) throws(JSONRPCError) -> String {
            guard self.isByName else { throw .invalidParams("an object is expected") }
            switch parameter {
            case .absent: throw .invalidParams("\(name) is missing")
            case .wrong: throw .invalidParams("\(name) is not a string")
            case .text(""): throw .invalidParams("\(name) is empty")
            case .text(let value): return value
            }
        }

        func optionalToken() throws(JSONRPCError) -> String? {
            if self.isByName, case .absent = self.token { return nil }
            return try self.required(self.token, "token")
        }
    }
}
