// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

extension JSONRPC {
    /// - Parameters:
    ///   - id: As it came, `nullID` where none could be read.
    ///   - result: JSON on one line; most methods have nothing to say but that it is done.
    package static func result(id: [UInt8], _ result: [UInt8] = Array("{}".utf8)) -> [UInt8] {
        var writer = self.begin(capacity: 40 + id.count + result.count)
        writer.member("id", raw: id)
        writer.member("result", raw: result)
        writer.endObject()
        return writer.bytes
    }

    package static func error(id: [UInt8], _ error: JSONRPCError) -> [UInt8] {
        var writer = self.begin(capacity: 96 + id.count + error.message.utf8.count)
        writer.member("id", raw: id)
        writer.key("error")
        writer.beginObject()
        writer.member("code", Int64(error.code))
        writer.member("message", error.message)
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    /// The answers to a batch in one array.
    package static func batch(_ answers: [[UInt8]]) -> [UInt8] {
        var writer = JSONWriter(capacity: answers.reduce(2) { $0 + $1.count + 1 })
        writer.beginArray()
        for answer in answers { writer.raw(answer) }
        writer.endArray()
        return writer.bytes
    }

    /// The result of `connect`.
    /// - Parameter expiresIn: Seconds within which a fresh token must come; nil where none need.
    package static func connectResult(client: String, version: String, expiresIn: UInt32?) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("client", client)
        writer.member("version", version)
        if let expiresIn { writer.member("ttl", expiresIn) }
        writer.endObject()
        return writer.bytes
    }

    /// The result of `refresh`.
    package static func refreshResult(expiresIn: UInt32?) -> [UInt8] {
        var writer = JSONWriter(capacity: 24)
        writer.beginObject()
        if let expiresIn { writer.member("ttl", expiresIn) }
        writer.endObject()
        return writer.bytes
    }

    /// What `subscribe` answers for a channel with history; one without has nothing to say.
    /// - Parameter publications: What was missed, oldest first; empty but where `recovered` is true.
    package static func subscribeResult(
        position: StreamPosition, recovered: Bool?, _ publications: [Publication]
    ) -> [UInt8] {
        var writer = self.beginResult(of: publications)
        self.write(position, to: &writer)
        if let recovered { writer.member("recovered", recovered) }
        if !publications.isEmpty { self.write(publications, to: &writer) }
        writer.endObject()
        return writer.bytes
    }

    /// The result of `publish`.
    package static func publishResult(position: StreamPosition?) -> [UInt8] {
        var writer = JSONWriter(capacity: 64)
        writer.beginObject()
        if let position { self.write(position, to: &writer) }
        writer.endObject()
        return writer.bytes
    }

    /// The result of `history`.
    package static func historyResult(_ publications: [Publication], top: StreamPosition) -> [UInt8] {
        var writer = self.beginResult(of: publications)
        self.write(top, to: &writer)
        self.write(publications, to: &writer)
        writer.endObject()
        return writer.bytes
    }

    /// The result of `presence`.
    /// - Parameter clients: The JSON of each one's `ClientInfo`.
    package static func presenceResult(_ clients: [[UInt8]]) -> [UInt8] {
        var writer = JSONWriter(capacity: clients.reduce(16) { $0 + $1.count + 1 })
        writer.beginObject()
        writer.key("clients")
        writer.beginArray()
        for client in clients { writer.raw(client) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// The result of `presence_stats`.
    package static func presenceStatsResult(clients: Int, users: Int) -> [UInt8] {
        var writer = JSONWriter(capacity: 48)
        writer.beginObject()
        writer.member("clients", Int64(clients))
        writer.member("users", Int64(users))
        writer.endObject()
        return writer.bytes
    }

    private static func beginResult(of publications: [Publication]) -> JSONWriter {
        var writer = JSONWriter(capacity: publications.reduce(96) { $0 + PlainBody.capacity(of: $1) })
        writer.beginObject()
        return writer
    }

    private static func write(_ position: StreamPosition, to writer: inout JSONWriter) {
        writer.key("position")
        writer.beginObject()
        writer.member("offset", position.offset)
        writer.member("epoch", position.epoch)
        writer.endObject()
    }

    private static func write(_ publications: [Publication], to writer: inout JSONWriter) {
        writer.key("publications")
        writer.beginArray()
        for publication in publications { writer.raw(PlainBody.listed(publication)) }
        writer.endArray()
    }

    // MARK: - Notifications

    /// What comes over a channel, as all its subscribers get it: made once and shared.
    package static func publication(_ publication: Publication) -> [UInt8] {
        switch publication.kind {
        case .message: break
        case .join: return self.notification("join", self.presenceChange(publication))
        case .leave: return self.notification("leave", self.presenceChange(publication))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + PlainBody.capacity(of: publication))
        bytes.append(contentsOf: #"{"jsonrpc":"2.0","method":"publication","params":"#.utf8)
        PlainBody.append(publication, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private static func presenceChange(_ publication: Publication) -> [UInt8] {
        var writer = JSONWriter(capacity: 32 + publication.channel.utf8.count + (publication.info?.count ?? 0))
        writer.beginObject()
        writer.member("channel", publication.channel)
        writer.member("info", ifAny: publication.info)
        writer.endObject()
        return writer.bytes
    }

    package static func gap(channel: String) -> [UInt8] {
        self.notification("gap", PlainBody.gap(channel: channel))
    }

    /// The server ended a subscription.
    package static func unsubscribed(channel: String, code: UInt32, reason: String) -> [UInt8] {
        var writer = JSONWriter(capacity: 64 + channel.utf8.count)
        writer.beginObject()
        writer.member("channel", channel)
        writer.member("code", code)
        writer.member("reason", reason)
        writer.endObject()
        return self.notification("unsubscribed", writer.bytes)
    }

    private static func notification(_ method: String, _ params: [UInt8]) -> [UInt8] {
        var writer = self.begin(capacity: 48 + method.utf8.count + params.count)
        writer.member("method", method)
        writer.member("params", raw: params)
        writer.endObject()
        return writer.bytes
    }

    private static func begin(capacity: Int) -> JSONWriter {
        var writer = JSONWriter(capacity: capacity)
        writer.beginObject()
        writer.member("jsonrpc", "2.0")
        return writer
    }
}
