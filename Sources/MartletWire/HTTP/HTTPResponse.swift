// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Encodes the answers of the edge.
package enum HTTPResponse {
    /// An answer with a body of known length. To a `HEAD` request it says the length and leaves out the body.
    package static func encode(
        _ status: HTTPStatus, contentType: String = "text/plain; charset=utf-8", body: [UInt8],
        fields: [HTTPField] = [], keepsAlive: Bool, isHead: Bool = false
    ) -> [UInt8] {
        var bytes = Self.head(status, capacity: body.count + 256)
        Self.append(HTTPField("Content-Type", contentType), to: &bytes)
        Self.append(HTTPField("Content-Length", String(body.count)), to: &bytes)
        Self.end(&bytes, fields: fields, keepsAlive: keepsAlive)
        if !isHead { bytes += body }
        return bytes
    }

    /// Asks for the body of a request that waits to be asked (RFC 9110 section 10.1.1).
    package static let proceed = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// The answer to a refused request: its text is the body.
    package static func refusal(
        _ refusal: HTTPRefusal, fields: [HTTPField] = [], keepsAlive: Bool = false, isHead: Bool = false
    ) -> [UInt8] {
        Self.encode(
            refusal.status, body: Array(refusal.text.utf8) + [.lineFeed], fields: refusal.fields + fields,
            keepsAlive: keepsAlive, isHead: isHead)
    }

    /// An answer without a body: 204.
    package static func noContent(fields: [HTTPField] = [], keepsAlive: Bool) -> [UInt8] {
        var bytes = Self.head(.noContent, capacity: 256)
        Self.end(&bytes, fields: fields, keepsAlive: keepsAlive)
        return bytes
    }

    /// The end of a successful WebSocket handshake (RFC 6455 section 4.2.2).
    package static func upgrade(accept: [UInt8], subprotocol: String? = nil) -> [UInt8] {
        var bytes = Self.head(.switchingProtocols, capacity: 192)
        bytes += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ".utf8
        bytes += accept
        bytes += "\r\n".utf8
        if let subprotocol { Self.append(HTTPField("Sec-WebSocket-Protocol", subprotocol), to: &bytes) }
        bytes += "\r\n".utf8
        return bytes
    }

    /// The head of a stream that goes on until one side ends it.
    ///
    /// - Parameters:
    ///   - isChunked: False for HTTP/1.0, and for old intermediaries: the stream then ends with the connection.
    ///   - forbidsStoring: Tells caches of every age to keep nothing of it.
    package static func stream(
        contentType: String = "text/event-stream; charset=utf-8", isChunked: Bool, fields: [HTTPField] = [],
        keepsAlive: Bool = true, forbidsStoring: Bool = false
    ) -> [UInt8] {
        var bytes = Self.head(.ok, capacity: 384)
        Self.append(HTTPField("Content-Type", contentType), to: &bytes)
        bytes += "Cache-Control: ".utf8
        if forbidsStoring {
            bytes += "private, no-cache, no-store, must-revalidate, max-age=0, no-transform\r\n".utf8
            bytes += "Pragma: no-cache\r\nExpires: 0\r\n".utf8
        } else {
            bytes += "no-cache, no-transform\r\n".utf8
        }
        bytes += "X-Accel-Buffering: no\r\n".utf8
        if isChunked { bytes += "Transfer-Encoding: chunked\r\n".utf8 }
        Self.end(&bytes, fields: fields, keepsAlive: isChunked && keepsAlive)
        return bytes
    }

    /// Tells an `EventSource` to come later: it takes any answer but 200 as final and does not read `Retry-After`, so
    /// it gets a stream that says when to come back, and ends.
    package static func comeLater(afterMilliseconds milliseconds: Int, fields: [HTTPField] = []) -> [UInt8] {
        let body = EventStreamEncoder.retry(milliseconds: milliseconds)
        let noCache = HTTPField("Cache-Control", "no-cache, no-store")
        return Self.encode(
            .ok, contentType: "text/event-stream; charset=utf-8", body: body, fields: [noCache] + fields,
            keepsAlive: false)
    }

    private static func head(_ status: HTTPStatus, capacity: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(capacity)
        bytes += "HTTP/1.1 \(status.rawValue) \(status.reason)\r\n".utf8
        return bytes
    }

    private static func end(_ bytes: inout [UInt8], fields: [HTTPField], keepsAlive: Bool) {
        for field in fields { Self.append(field, to: &bytes) }
        // HTTP/1.0 clients that keep connections alive want to be told so; to others it is no news.
        bytes += keepsAlive ? "Connection: keep-alive".utf8 : "Connection: close".utf8
        // What is named in `Upgrade` counts for this connection only (RFC 9110 section 7.8).
        if fields.contains(where: { $0.name == "Upgrade" }) { bytes += ", Upgrade".utf8 }
        bytes += "\r\n\r\n".utf8
    }

    /// A value may hold what a client sent, so whatever could end the line becomes a space.
    private static func append(_ field: HTTPField, to bytes: inout [UInt8]) {
        bytes += field.name.utf8
        bytes += ": ".utf8
        for byte in field.value.utf8 { bytes.append(byte.isFieldCharacter ? byte : .space) }
        bytes += "\r\n".utf8
    }
}
