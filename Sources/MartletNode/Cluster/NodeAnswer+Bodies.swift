// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletHub
import MartletProtocol

/// What answers carry beside a count, written and read.
extension NodeAnswer {
    // MARK: - Channels with their subscribers

    static func channels(_ channels: [String: Int]) -> NodeAnswer {
        var writer = JSONWriter(capacity: 32 * channels.count)
        writer.beginObject()
        for (channel, subscribers) in channels { writer.member(channel, Int64(subscribers)) }
        writer.endObject()
        return NodeAnswer(count: channels.count, body: writer.bytes)
    }

    static func channels(_ body: Span<UInt8>) -> [String: Int] {
        var channels: [String: Int] = [:]
        guard let document = JSONScanner.document(body) else { return channels }
        var members = document.members
        while let member = members.next(in: body) {
            // Names of any length, so not by the member's own reader of names.
            guard let channel = member.key.string(in: body) else { continue }
            channels[channel] = self.count(member.value, body)
        }
        return channels
    }

    // MARK: - Connections

    static func connections(_ connections: [UserOutcome.Connection]) -> NodeAnswer {
        var writer = JSONWriter(capacity: 160 * connections.count)
        writer.beginArray()
        for connection in connections {
            writer.beginObject()
            writer.member("client", connection.client)
            writer.member("transport", connection.transport)
            writer.member("protocol", connection.proto)
            writer.key("channels")
            writer.beginArray()
            for channel in connection.channels { writer.string(channel) }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        return NodeAnswer(count: connections.count, body: writer.bytes)
    }

    static func connections(_ body: Span<UInt8>, user: String, node: String) -> [ConnectionInfo] {
        var connections: [ConnectionInfo] = []
        guard let document = JSONScanner.document(body) else { return connections }
        var elements = document.elements
        while let element = elements.next(in: body) {
            var connection = ConnectionInfo(
                client: "", user: user, transport: "", proto: "", channels: [], node: node)
            var members = element.members
            while let member = members.next(in: body) {
                switch member.name(in: body) {
                case "client": connection.client = member.value.string(in: body) ?? ""
                case "transport": connection.transport = member.value.string(in: body) ?? ""
                case "protocol": connection.proto = member.value.string(in: body) ?? ""
                case "channels":
                    var channels = member.value.elements
                    while let channel = channels.next(in: body) {
                        if let name = channel.string(in: body) { connection.channels.append(name) }
                    }
                default: break
                }
            }
            if !connection.client.isEmpty { connections.append(connection) }
        }
        return connections
    }

    // MARK: - A node

    static func info(_ info: NodeInfo) -> NodeAnswer {
        var writer = JSONWriter()
        info.write(to: &writer)
        return NodeAnswer(count: 1, body: writer.bytes)
    }

    static func info(_ body: Span<UInt8>) -> NodeInfo? {
        guard let document = JSONScanner.document(body), document.kind == .object else { return nil }
        var info = NodeInfo(
            uid: "", name: "", version: "", clients: 0, users: 0, channels: 0, subscriptions: 0, uptime: 0,
            capacity: 0, state: "")
        var members = document.members
        while let member = members.next(in: body) {
            switch member.name(in: body) {
            case "uid": info.uid = member.value.string(in: body) ?? ""
            case "name": info.name = member.value.string(in: body) ?? ""
            case "version": info.version = member.value.string(in: body) ?? ""
            case "num_clients": info.clients = self.count(member.value, body)
            case "num_users": info.users = self.count(member.value, body)
            case "num_channels": info.channels = self.count(member.value, body)
            case "num_subs": info.subscriptions = self.count(member.value, body)
            case "uptime": info.uptime = self.count(member.value, body)
            case "capacity": info.capacity = self.count(member.value, body)
            case "state": info.state = member.value.string(in: body) ?? ""
            default: break
            }
        }
        return info.uid.isEmpty ? nil : info
    }

    private static func count(_ value: JSONValue, _ body: Span<UInt8>) -> Int {
        Int(value.int64(in: body).flatMap(UInt32.init(exactly:)) ?? 0)
    }
}
