// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird

extension Response {
    static func text(_ status: HTTPResponse.Status, _ body: String, contentType: String) -> Response {
        Self.bytes(status, Array(body.utf8), contentType: contentType)
    }

    static func json(_ status: HTTPResponse.Status, _ body: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return Self.bytes(status, try Array(encoder.encode(body)), contentType: "application/json")
    }

    /// An answer that is not the API's: the request did not get as far.
    static func refusal(_ status: HTTPResponse.Status, _ message: String) -> Response {
        Self.text(status, message + "\n", contentType: "text/plain; charset=utf-8")
    }

    static func bytes(_ status: HTTPResponse.Status, _ body: [UInt8], contentType: String) -> Response {
        Response(
            status: status,
            headers: [.contentType: contentType, .cacheControl: "no-store", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
