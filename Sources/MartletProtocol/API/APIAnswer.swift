// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The answers of the server API: `{"result": {…}}` or `{"error": {"code", "message"}}`; both where a part of what was
/// asked for was done.
package enum APIAnswer {
    /// Done, with nothing more to say.
    package static let done: [UInt8] = Array(#"{"result":{}}"#.utf8)

    package static func result(_ result: APIResult) -> [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        result.error?.write(to: &writer)
        writer.key("result")
        result.write(to: &writer)
        writer.endObject()
        return writer.bytes
    }

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
        writer.beginObject()
        error.write(to: &writer)
        writer.endObject()
        return writer.bytes
    }

    /// An answer to the old form of a request, which may have a number.
    package static func numbered(_ answer: [UInt8], id: UInt64) -> [UInt8] {
        guard id != 0, answer.count > 2 else { return answer }
        return Array(#"{"id":\#(id),"#.utf8) + answer.dropFirst()
    }

    /// `{"replies": […]}` without an envelope: of each command an object with the result under the method's name, or
    /// the error.
    package static func batch(_ replies: [(method: APIMethod?, outcome: Result<APIResult, APIError>)]) -> [UInt8] {
        var writer = JSONWriter(capacity: 32 + 64 * replies.count)
        writer.beginObject()
        writer.key("replies")
        writer.beginArray()
        for reply in replies {
            writer.beginObject()
            switch reply.outcome {
            case .success(let result):
                result.error?.write(to: &writer)
                writer.key(reply.method?.rawValue ?? "")
                result.write(to: &writer)
            case .failure(let error): error.write(to: &writer)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

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
}
