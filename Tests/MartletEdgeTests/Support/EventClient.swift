// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// A reader of `/events`: blocks of the stream, its chunks taken off one by one.
final class EventClient {
    let client: LoopbackClient
    let answer: HTTPAnswer
    private let isChunked: Bool
    private var text: [UInt8] = []
    private(set) var hasEnded = false

    init(_ rig: EdgeRig, _ query: String, fields: [String] = [], version: String = "1.1", from last: UInt8 = 1) throws {
        self.client = try LoopbackClient(port: rig.port, from: last)
        let lines =
            ["GET /events?\(query) HTTP/\(version)", "Host: edge.example", "Accept: text/event-stream"] + fields
        try self.client.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        self.answer = try HTTPAnswer(self.client)
        self.isChunked = self.answer.fields["transfer-encoding"] == "chunked"
    }

    func close() { self.client.close() }

    /// The next bytes of the stream; false at its end.
    private func more() throws -> Bool {
        guard !self.hasEnded else { return false }
        if self.isChunked {
            let line = try self.client.take(through: "\r\n").dropLast()
            guard let length = Int(line, radix: 16) else { throw TestSupportError("not a chunk: \(line)") }
            self.text += try self.client.take(length)
            guard try self.client.take(2) == [13, 10] else { throw TestSupportError("a chunk does not end") }
            self.hasEnded = length == 0
        } else {
            // What came together with the head waits already.
            if self.client.buffer.isEmpty { self.hasEnded = try !self.client.receive() }
            self.text += try self.client.take(self.client.buffer.count)
        }
        return !self.hasEnded
    }

    /// The next line without its end, or nil at the end of the stream.
    func line() throws -> String? {
        while true {
            if let end = self.text.firstIndex(of: 10) {
                defer { self.text.removeSubrange(...end) }
                return String(decoding: self.text[..<end], as: UTF8.self)
            }
            guard try self.more() else { return nil }
        }
    }

    /// The lines of the next event; comments and `retry` are passed over.
    func event() throws -> [String]? {
        var lines: [String] = []
        while let line = try self.line() {
            if line.isEmpty {
                if !lines.isEmpty { return lines }
            } else if !line.hasPrefix(":"), !line.hasPrefix("retry:") {
                lines.append(line)
            }
        }
        return nil
    }

    /// Reads up to a line.
    func skip(to wanted: String) throws {
        while let line = try self.line() {
            if line == wanted { return }
        }
        throw TestSupportError("the stream ended before \(wanted)")
    }

    /// All lines up to the end of the stream.
    func rest() throws -> [String] {
        var lines: [String] = []
        while let line = try self.line() { lines.append(line) }
        return lines
    }
}
