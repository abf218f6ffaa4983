// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// A client of the Centrifuge protocol that reads a response and writes beside it.
final class StreamClient {
    /// How messages follow each other.
    enum Framing {
        case events, lines, protobuf
    }

    let client: LoopbackClient
    let answer: HTTPAnswer
    private let rig: EdgeRig
    private let framing: Framing
    private let isChunked: Bool
    private var text: [UInt8] = []
    private(set) var hasEnded = false
    private(set) var session = ""
    private(set) var node = ""

    init(
        _ rig: EdgeRig, _ line: String, _ framing: Framing = .events, fields: [String] = [], body: [UInt8]? = nil,
        version: String = "1.1"
    ) throws {
        self.rig = rig
        self.framing = framing
        self.client = try LoopbackClient(port: rig.port)
        let length = body.map { ["Content-Length: \($0.count)"] } ?? []
        let lines = ["\(line) HTTP/\(version)", "Host: edge.example"] + fields + length
        try self.client.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? []))
        self.answer = try HTTPAnswer(self.client)
        self.isChunked = self.answer.fields["transfer-encoding"] == "chunked"
    }

    /// One of the paths in JSON, with commands in the query or in the body.
    static func open(_ rig: EdgeRig, _ line: String, _ commands: String, fields: [String] = []) throws -> StreamClient {
        let framing: Framing = line.contains("sse") ? .events : .lines
        guard line.hasPrefix("GET") else {
            return try StreamClient(rig, line, framing, fields: fields, body: Array(commands.utf8))
        }
        let query = commands.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return try StreamClient(rig, "\(line)?cf_connect=\(query)", framing, fields: fields)
    }

    static let paths = ["GET /connection/sse", "POST /connection/sse", "POST /connection/http_stream"]
    static let unidirectional = [
        "GET /connection/uni_sse", "POST /connection/uni_sse", "POST /connection/uni_http_stream",
    ]

    /// A client that is connected.
    static func connected(_ rig: EdgeRig, _ line: String, token: String?) throws -> StreamClient {
        let client = try Self.open(rig, line, SocketClient.connect(token))
        try client.readConnect(#"{"id":1,"connect":{"client":""#)
        return client
    }

    /// Reads the outcome of a connect, for what it says about the session.
    func readConnect(_ prefix: String) throws {
        guard let reply = try self.next(), reply.hasPrefix(prefix) else { throw TestSupportError("not connected") }
        self.session = Self.value("session", in: reply)
        self.node = Self.value("node", in: reply)
    }

    private static func value(_ name: String, in reply: String) -> String {
        guard let start = reply.range(of: #""\#(name)":""#) else { return "" }
        return String(reply[start.upperBound...].prefix { $0 != "\"" })
    }

    // MARK: - Writing

    /// Sends commands over a node; the status of its answer.
    @discardableResult
    func send(_ commands: String, by rig: EdgeRig? = nil, node: String? = nil, session: String? = nil) throws -> Int {
        let poster = try LoopbackClient(port: (rig ?? self.rig).port)
        let body = Self.body(commands, node: node ?? self.node, session: session ?? self.session)
        return try poster.post("/emulation", body).status
    }

    /// Sends a command and reads the next message.
    func ask(_ command: String) throws -> String? {
        try self.send(command)
        return try self.next()
    }

    static func body(_ commands: String, node: String, session: String) -> String {
        let data = commands.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return #"{"session":"\#(session)","node":"\#(node)","data":"\#(data)"}"#
    }

    // MARK: - Reading

    /// The next message, or nil at the end of the stream.
    func next() throws -> String? {
        while let line = try self.line() {
            if self.framing == .lines { return line }
            if line.hasPrefix("data: ") { return String(line.dropFirst(6)) }
        }
        return nil
    }

    /// All lines up to the end of the stream.
    func rest() throws -> [String] {
        var lines: [String] = []
        while let line = try self.line() { lines.append(line) }
        return lines
    }

    /// The next message of a stream in Protobuf, without its length.
    func nextBytes() throws -> [UInt8]? {
        var (length, shift, index) = (0, 0, 0)
        while true {
            while index >= self.text.count { guard try self.more() else { return nil } }
            length |= Int(self.text[index] & 0x7F) << shift
            (shift, index) = (shift + 7, index + 1)
            if self.text[index - 1] < 0x80 { break }
        }
        while self.text.count < index + length { guard try self.more() else { return nil } }
        defer { self.text.removeFirst(index + length) }
        return Array(self.text[index..<index + length])
    }

    private func line() throws -> String? {
        while true {
            if let end = self.text.firstIndex(of: 10) {
                defer { self.text.removeSubrange(...end) }
                return String(decoding: self.text[..<end], as: UTF8.self)
            }
            guard try self.more() else { return nil }
        }
    }

    /// The next bytes of the stream; false at its end.
    private func more() throws -> Bool {
        guard !self.hasEnded else { return false }
        guard self.isChunked else {
            // What came together with the head waits already.
            if self.client.buffer.isEmpty { self.hasEnded = try !self.client.receive() }
            self.text += try self.client.take(self.client.buffer.count)
            return !self.hasEnded
        }
        let line = try self.client.take(through: "\r\n").split(separator: "\r\n").first ?? ""
        guard let length = Int(line, radix: 16) else { throw TestSupportError("not a chunk: \(line)") }
        self.text += try self.client.take(length)
        guard try self.client.take(2) == [13, 10] else { throw TestSupportError("a chunk does not end") }
        self.hasEnded = length == 0
        return !self.hasEnded
    }
}

extension LoopbackClient {
    /// Sends a request with a body and reads its answer.
    func post(_ path: String, _ body: String, _ fields: [String] = []) throws -> HTTPAnswer {
        try self.send(Self.post(path, body, fields))
        return try HTTPAnswer(self)
    }

    static func post(_ path: String, _ body: String, _ fields: [String] = []) -> String {
        Self.request("POST \(path)", ["Content-Length: \(body.utf8.count)"] + fields) + body
    }
}
