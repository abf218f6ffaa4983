// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import TestSupport

/// A WebSocket of the tests: blocking, and as rude as a test wants.
final class SocketClient {
    enum Message: Equatable {
        case text(String)
        case binary([UInt8])
        case ping([UInt8])
        case pong([UInt8])
        case close(UInt16, String)
        /// The end without a close frame.
        case end
    }

    static let centrifuge = "/connection/websocket"

    let client: LoopbackClient
    let answer: HTTPAnswer

    init(
        _ rig: EdgeRig, _ target: String, fields: [String] = [], receiveBytes: Int32? = nil, from last: UInt8 = 1
    ) throws {
        self.client = try LoopbackClient(port: rig.port, receiveBytes: receiveBytes, from: last)
        self.answer = try self.client.ask("GET \(target)", LoopbackClient.upgrade + fields)
        guard self.answer.status == 101 else { throw TestSupportError("refused: \(self.answer)") }
    }

    /// A Centrifuge client that is connected; with no token as an anonymous one.
    static func connected(_ rig: EdgeRig, token: String?, receiveBytes: Int32? = nil) throws -> SocketClient {
        let client = try SocketClient(rig, Self.centrifuge, receiveBytes: receiveBytes)
        try client.send(Self.connect(token))
        guard case .text(let text) = try client.next(), text.hasPrefix(#"{"id":1,"connect":{"#) else {
            throw TestSupportError("not connected")
        }
        return client
    }

    static func connect(_ token: String?, id: Int = 1) -> String {
        #"{"id":\#(id),"connect":{\#(token.map { #""token":"\#($0)""# } ?? "")}}"#
    }

    static func subscribe(_ channel: String, id: Int = 2) -> String {
        #"{"id":\#(id),"subscribe":{"channel":"\#(channel)"}}"#
    }

    func send(_ text: String) throws { try self.send(.text, Array(text.utf8)) }

    func send(_ opcode: WebSocketOpcode, _ payload: [UInt8], isFinal: Bool = true) throws {
        try self.client.send(
            WebSocketFrame.encodeMasked(opcode, payload: payload, mask: 0x1234_5678, isFinal: isFinal))
    }

    /// Sends a message and reads the next.
    func ask(_ text: String) throws -> Message {
        try self.send(text)
        return try self.next()
    }

    /// Answers no close frame: the connection ends by itself.
    func next() throws -> Message {
        while self.client.buffer.isEmpty {
            guard try self.client.receive() else { return .end }
        }
        let head = try self.client.take(2)
        var length = Int(head[1])
        if length > 125 {
            length = try self.client.take(length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        let payload = try self.client.take(length)
        switch head[0] {
        case 0x81: return .text(String(decoding: payload, as: UTF8.self))
        case 0x82: return .binary(payload)
        case 0x89: return .ping(payload)
        case 0x8A: return .pong(payload)
        case 0x88:
            guard payload.count >= 2 else { return .close(1005, "") }
            let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
            return .close(code, String(decoding: payload[2...], as: UTF8.self))
        default: throw TestSupportError("not a frame of a server: \(head)")
        }
    }

    /// The code of the close that must come next; a Centrifuge ping may come before.
    func closeCode() throws -> UInt16? {
        while true {
            switch try self.next() {
            case .close(let code, _): return code
            case .end: return nil
            case .text, .binary, .ping, .pong: continue
            }
        }
    }

    func close() { self.client.close() }
}
