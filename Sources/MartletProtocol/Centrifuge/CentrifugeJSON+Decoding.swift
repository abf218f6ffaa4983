// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension CentrifugeJSON {
    private typealias Request = CentrifugeCommand.Request

    /// The requests of a command, in the order in which the first one found is served.
    private enum Field: Int {
        case connect, ping, subscribe, unsubscribe, publish, presence, presenceStats, history, rpc, send, refresh
        case subRefresh

        init?(name: String) {
            switch name {
            case "connect": self = .connect
            case "ping": self = .ping
            case "subscribe": self = .subscribe
            case "unsubscribe": self = .unsubscribe
            case "publish": self = .publish
            case "presence": self = .presence
            case "presence_stats": self = .presenceStats
            case "history": self = .history
            case "rpc": self = .rpc
            case "send": self = .send
            case "refresh": self = .refresh
            case "sub_refresh": self = .subRefresh
            default: return nil
            }
        }
    }

    /// One command, with nothing but whitespace around it; nil where it is malformed.
    package static func command(_ line: Span<UInt8>) -> CentrifugeCommand? {
        guard let document = JSONScanner.unvalidatedObject(line) else { return nil }
        do throws(MalformedField) {
            var id: UInt32 = 0
            var chosen: (field: Field, value: JSONValue)?
            var members = document.members
            while let member = members.next(in: line) {
                let name = member.name(in: line)
                if name == "id" {
                    id = try member.value.unsigned32(line)
                } else if let field = Field(name: name), !member.value.isNull {
                    guard member.value.kind == .object else { return nil }
                    if field.rawValue <= chosen?.field.rawValue ?? .max { chosen = (field, member.value) }
                }
            }
            if members.isMalformed { return nil }
            guard let chosen else { return CentrifugeCommand(id: id, request: id == 0 ? .pong : .unknown) }
            return CentrifugeCommand(id: id, request: try self.request(chosen.field, chosen.value, line))
        } catch {
            return nil
        }
    }

    /// A request to connect by itself, as clients of unidirectional transports send it; nil where it is malformed.
    package static func connectRequest(_ text: Span<UInt8>) -> CentrifugeCommand.ConnectRequest? {
        guard let document = JSONScanner.document(text), document.kind == .object else { return nil }
        return try? self.connectRequest(document, text)
    }

    /// Commands of a client that cannot write on its connection; nil where the request is malformed.
    package static func emulationRequest(_ text: Span<UInt8>) -> EmulationRequest? {
        guard let document = JSONScanner.unvalidatedObject(text) else { return nil }
        var request = EmulationRequest()
        var members = document.members
        do throws(MalformedField) {
            while let member = members.next(in: text) {
                switch member.name(in: text) {
                case "node": request.node = try member.value.text(text)
                case "session": request.session = try member.value.text(text)
                case "data": request.data = Array(try member.value.text(text).utf8)
                default: break
                }
            }
        } catch {
            return nil
        }
        return members.isMalformed ? nil : request
    }

    private static func request(
        _ field: Field, _ value: JSONValue, _ text: Span<UInt8>
    ) throws(MalformedField) -> Request {
        switch field {
        case .connect: return .connect(try self.connectRequest(value, text))
        case .ping: return .ping
        case .subscribe: return .subscribe(try self.subscribeRequest(value, text))
        case .unsubscribe: return .unsubscribe(channel: try self.simple(value, text).channel)
        case .publish:
            let request = try self.simple(value, text)
            guard !request.data.isEmpty else { throw MalformedField() }
            return .publish(channel: request.channel, data: request.data)
        case .presence: return .presence(channel: try self.simple(value, text).channel)
        case .presenceStats: return .presenceStats(channel: try self.simple(value, text).channel)
        case .history: return .history(try self.historyRequest(value, text))
        case .rpc:
            let request = try self.simple(value, text)
            return .rpc(method: request.method, data: request.data)
        case .send: return .send(data: try self.simple(value, text).data)
        case .refresh: return .refresh(token: try self.simple(value, text).token)
        case .subRefresh:
            let simple = try self.simple(value, text)
            var request = CentrifugeCommand.SubRefreshRequest()
            (request.channel, request.token, request.type) = (simple.channel, simple.token, simple.type)
            return .subRefresh(request)
        }
    }

    /// The fields of the requests that have few.
    private struct Simple {
        var channel = ""
        var token = ""
        var method = ""
        var data: [UInt8] = []
        var type: Int32 = 0
    }

    private static func simple(_ value: JSONValue, _ text: Span<UInt8>) throws(MalformedField) -> Simple {
        var simple = Simple()
        var members = value.members
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "channel": simple.channel = try member.value.text(text)
            case "token": simple.token = try member.value.text(text)
            case "method": simple.method = try member.value.text(text)
            case "data": simple.data = member.value.raw(in: text)
            case "type": simple.type = try member.value.signed32(text)
            default: break
            }
        }
        return simple
    }

    private static func connectRequest(
        _ value: JSONValue, _ text: Span<UInt8>
    ) throws(MalformedField) -> CentrifugeCommand.ConnectRequest {
        var request = CentrifugeCommand.ConnectRequest()
        var members = value.members
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "token": request.token = try member.value.text(text)
            case "data": request.data = member.value.embedded(text)
            case "name": request.name = try member.value.text(text)
            case "version": request.version = try member.value.text(text)
            case "subs":
                var channels = try member.value.message(text)
                while let entry = channels.next(in: text) {
                    guard entry.value.kind == .object else { throw MalformedField() }
                    let channel = try entry.key.text(text)
                    var subscription = try self.subscribeRequest(entry.value, text)
                    subscription.channel = channel
                    request.subscriptions[channel] = subscription
                }
            default: break
            }
        }
        return request
    }

    private static func subscribeRequest(
        _ value: JSONValue, _ text: Span<UInt8>
    ) throws(MalformedField) -> CentrifugeCommand.SubscribeRequest {
        var request = CentrifugeCommand.SubscribeRequest()
        var members = value.members
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "channel": request.channel = try member.value.text(text)
            case "token": request.token = try member.value.text(text)
            case "recover": request.recover = try member.value.flag(text)
            case "epoch": request.epoch = try member.value.text(text)
            case "offset": request.offset = try member.value.unsigned(text)
            case "data": request.data = member.value.embedded(text)
            case "positioned": request.positioned = try member.value.flag(text)
            case "recoverable": request.recoverable = try member.value.flag(text)
            case "join_leave": request.joinLeave = try member.value.flag(text)
            case "delta": request.delta = try member.value.text(text)
            case "flag": request.flags = try member.value.signed(text)
            case "type": request.type = try member.value.signed32(text)
            default: break
            }
        }
        return request
    }

    private static func historyRequest(
        _ value: JSONValue, _ text: Span<UInt8>
    ) throws(MalformedField) -> CentrifugeCommand.HistoryRequest {
        var request = CentrifugeCommand.HistoryRequest()
        var members = value.members
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "channel": request.channel = try member.value.text(text)
            case "limit": request.limit = try member.value.signed32(text)
            case "reverse": request.reverse = try member.value.flag(text)
            case "since": request.since = try self.position(member.value, text)
            default: break
            }
        }
        return request
    }

    private static func position(
        _ value: JSONValue, _ text: Span<UInt8>
    ) throws(MalformedField) -> StreamPosition? {
        if value.isNull { return nil }
        var position = StreamPosition()
        var members = try value.message(text)
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "offset": position.offset = try member.value.unsigned(text)
            case "epoch": position.epoch = try member.value.text(text)
            default: break
            }
        }
        return position
    }
}
