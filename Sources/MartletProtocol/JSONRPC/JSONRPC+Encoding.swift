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

    /// A publication as all subscribers of its channel get it: made once, in one allocation, and shared.
    package static func publication(_ publication: Publication) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + PlainBody.capacity(of: publication))
        bytes.append(contentsOf: #"{"jsonrpc":"2.0","method":"publication","params":"#.utf8)
        PlainBody.append(publication, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    package static func gap(channel: String) -> [UInt8] {
        self.notification("gap", PlainBody.gap(channel: channel))
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
