// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// An answer as a client reads it.
struct HTTPAnswer {
    var status: Int
    var fields: [String: String]
    var body: String

    /// Reads one answer with a body of known length, or one without.
    init(_ client: LoopbackClient, hasBody: Bool = true) throws {
        let lines = try client.take(through: "\r\n\r\n").split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count > 1, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw TestSupportError("not an answer: \(lines.first ?? "")")
        }
        self.status = status
        self.fields = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            self.fields[line[..<colon].lowercased()] = String(value)
        }
        let length = hasBody ? self.fields["content-length"].flatMap { Int($0) } ?? 0 : 0
        self.body = String(decoding: try client.take(length), as: UTF8.self)
    }
}

extension LoopbackClient {
    /// Sends a request and reads its answer; `fields` are lines.
    func ask(_ line: String, _ fields: [String] = [], hasBody: Bool = true) throws -> HTTPAnswer {
        try self.send(Self.request(line, fields))
        return try HTTPAnswer(self, hasBody: hasBody)
    }

    static func request(_ line: String, _ fields: [String] = []) -> String {
        let hasHost = fields.contains { $0.lowercased().hasPrefix("host:") }
        let lines = [line + " HTTP/1.1"] + (hasHost ? [] : ["Host: edge.example"]) + fields
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// The header lines of a WebSocket handshake.
    static let upgrade = [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
}
