// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletReactor
import MartletWire

/// A WebSocket server that sends every message back, made of the same parts as a node's edge: what a conformance suite
/// wants to talk to.
final class EchoServer: ReactorDelegate, @unchecked Sendable {
    // Unchecked: after `run` everything is confined to the reactor's thread.

    private struct Connection {
        var isOpen = false
        var decoder = WebSocketDecoder()
        var assembler = WebSocketAssembler()
    }

    private let messageBytesMax: Int
    private let reactor: Reactor
    private var connections: [Connection] = []
    let port: UInt16

    init(messageBytesMax: Int) throws {
        let listener = try Listener.bind(SocketAddress(PeerAddress(v4: 0x7F00_0001)), shards: 1)
        var configuration = ReactorConfiguration(shard: 0, listeners: [listener])
        configuration.inputBytesMax = messageBytesMax + 64
        configuration.pendingBytesMax = 4 * messageBytesMax
        self.messageBytesMax = messageBytesMax
        self.port = listener.address.port
        self.reactor = try Reactor(configuration: configuration, shared: ReactorShared())
        self.reactor.delegate = self
    }

    func start() throws { try self.reactor.start() }

    func accepted(_ slot: Int32, address: PeerAddress) {
        while self.connections.count <= Int(slot) { self.connections.append(Connection()) }
        self.connections[Int(slot)] = Connection()
    }

    func received(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>) -> Int {
        var consumed = 0
        while consumed < bytes.count {
            let step =
                self.connections[Int(slot)].isOpen
                ? self.frame(slot, &bytes, from: consumed) : self.handshake(slot, bytes.span)
            guard let step else { return bytes.count }
            if step == 0 { return consumed }
            consumed += step
        }
        return consumed
    }

    /// The bytes used up, 0 where more must come, nil where the connection ends.
    private func handshake(_ slot: Int32, _ bytes: Span<UInt8>) -> Int? {
        guard
            case .head(let head) = HTTPRequestParser.parse(bytes, limits: HTTPLimits(headBytesMax: 16_384), scanned: 0)
        else { return 0 }
        guard case .accepted(let proof) = WebSocketHandshake.check(head, in: bytes) else {
            self.reactor.abort(slot)
            return nil
        }
        self.connections[Int(slot)].isOpen = true
        self.reactor.send(HTTPResponse.upgrade(accept: proof, subprotocol: nil), to: slot)
        return head.length
    }

    private func frame(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>, from start: Int) -> Int? {
        let event = self.connections[Int(slot)].decoder.next(
            &bytes, from: start, messageBytesMax: self.messageBytesMax)
        switch event {
        case .needMore: return 0
        case .message(let opcode, let payload, let end):
            self.send(slot, opcode, [UInt8](copying: bytes.span.extracting(payload)))
            return end - start
        case .fragment(let opcode, let payload, let isFinal, let end):
            let part = bytes.span.extracting(payload)
            if let message = self.connections[Int(slot)].assembler.append(opcode, part, isFinal: isFinal) {
                self.send(slot, message.opcode, message.payload)
            }
            return end - start
        case .ping(let payload, let end):
            self.send(slot, .pong, [UInt8](copying: bytes.span.extracting(payload)))
            return end - start
        case .pong(_, let end):
            return end - start
        case .close(let code, _, _):
            self.send(slot, .close, code.map { WebSocketFrame.closePayload(code: $0, reason: "") } ?? [])
        case .violation(let violation):
            self.send(slot, .close, WebSocketFrame.closePayload(code: violation.code, reason: ""))
        }
        self.reactor.finish(slot)
        return nil
    }

    private func send(_ slot: Int32, _ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        self.reactor.send(WebSocketFrame.encode(opcode, payload: payload), to: slot)
    }

    func deadlineReached(_ slot: Int32) {}
    func overflowed(_ slot: Int32) { self.reactor.abort(slot) }
    func closed(_ slot: Int32, cause: ReactorCloseCause) {}
    func woken() {}
    func ticked() {}
}
