// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The answers of the server API: `{"result": {…}}` or `{"error": {"code", "message"}}`.
package enum APIAnswer {
    /// Done, with nothing more to say.
    package static let done: [UInt8] = Array(#"{"result":{}}"#.utf8)

    /// - Parameter json: The result, JSON on one line.
    package static func result(_ json: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(capacity: 12 + json.count)
        writer.beginObject()
        writer.member("result", raw: json)
        writer.endObject()
        return writer.bytes
    }

    package static func error(_ error: APIError) -> [UInt8] {
        var writer = JSONWriter(capacity: 64 + error.message.utf8.count)
        self.write(error, to: &writer)
        return writer.bytes
    }

    /// The outcome of a publish for each channel of a broadcast, in its order.
    package static func broadcast(_ outcomes: [APIError?]) -> [UInt8] {
        var writer = JSONWriter(capacity: 32 + 14 * outcomes.count)
        writer.beginObject()
        writer.key("result")
        writer.beginObject()
        writer.key("responses")
        writer.beginArray()
        for outcome in outcomes {
            if let outcome { self.write(outcome, to: &writer) } else { writer.raw(self.done) }
        }
        writer.endArray()
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    package static func info(_ nodes: [NodeInfo]) -> [UInt8] {
        var writer = JSONWriter(capacity: 32 + 192 * nodes.count)
        writer.beginObject()
        writer.key("result")
        writer.beginObject()
        writer.key("nodes")
        writer.beginArray()
        for node in nodes { node.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    package static func revoked(_ receipt: RevocationReceipt) -> [UInt8] { self.result(receipt.json) }

    /// Reads an answer, as the command does: the result as it stands, or the error; nil where it is neither.
    package static func decode(_ body: Span<UInt8>) -> Result<[UInt8], APIError>? {
        guard let document = JSONScanner.document(body), document.kind == .object else { return nil }
        var result: [UInt8]?
        var members = document.members
        while let member = members.next(in: body) {
            switch member.name(in: body) {
            case "result": result = member.value.embedded(body)
            case "error":
                if member.value.isNull { continue }
                guard member.value.kind == .object else { return nil }
                return .failure(self.error(member.value, body))
            default: break
            }
        }
        return result.map(Result.success)
    }

    private static func error(_ value: JSONValue, _ body: Span<UInt8>) -> APIError {
        var error = APIError(.internalError)
        var members = value.members
        while let member = members.next(in: body) {
            switch member.name(in: body) {
            case "code": error.code = member.value.uint64(in: body).flatMap(UInt32.init(exactly:)) ?? error.code
            case "message": error.message = member.value.string(in: body) ?? error.message
            default: break
            }
        }
        return error
    }

    private static func write(_ error: APIError, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("error")
        writer.beginObject()
        writer.member("code", error.code)
        writer.member("message", error.message)
        writer.endObject()
        writer.endObject()
    }
}
