// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor
import MartletWire

/// What leaves on a connection of the Centrifuge protocol, whatever it is encoded in and carried by.
extension EdgeShard {
    func reply(_ slot: Int32, _ reply: CentrifugeReply, id: UInt32) {
        let kind = self.connections[Int(slot)].kind
        var reply = reply
        if case .connect(var result) = reply {
            self.complete(&result, slot)
            reply = .connect(result)
        }
        if kind.isUnidirectional { return self.tell(slot, reply) }
        self.send(
            slot, kind.isProtobuf ? CentrifugeProtobuf.encode(reply, id: id) : CentrifugeJSON.encode(reply, id: id))
    }

    func push(_ slot: Int32, _ push: CentrifugePush) {
        let kind = self.connections[Int(slot)].kind
        if kind.isUnidirectional { return self.send(slot, CentrifugeJSON.encodeBare(push)) }
        self.send(slot, kind.isProtobuf ? CentrifugeProtobuf.encode(push) : CentrifugeJSON.encode(push))
    }

    /// Says goodbye in the connection's protocol and finishes it.
    func end(_ slot: Int32, _ notice: CloseNotice) {
        switch self.connections[Int(slot)].stage {
        case .webSocket: self.endWebSocket(slot, notice)
        case .stream:
            if self.connections[Int(slot)].kind == .events { return self.endEvents(slot, notice) }
            self.endStream(slot, notice)
        case .free, .proxyHeader, .head, .body, .relaying, .parting, .closing, .ending: break
        }
    }

    /// Sends an encoded message in what carries it on this connection.
    private func send(_ slot: Int32, _ message: [UInt8]) {
        self.reactor.send(self.connections[Int(slot)].format.frame(message), to: slot)
    }

    /// What of a connect's outcome depends on the transport.
    private func complete(_ result: inout CentrifugeReply.ConnectResult, _ slot: Int32) {
        let kind = self.connections[Int(slot)].kind
        if kind.isUnidirectional { result.wantsPong = false }
        guard kind.isUnidirectional || kind.isEmulated else { return }
        result.session = self.shared.emulation.session(of: self.reactor.id(of: slot))
        if kind.isEmulated { result.node = self.shared.emulation.node }
    }

    /// Nobody waits for replies on a unidirectional transport: a connect that succeeded is the first push, one that did
    /// not is the end.
    private func tell(_ slot: Int32, _ reply: CentrifugeReply) {
        switch reply {
        case .connect(let result): self.push(slot, .connect(result))
        case .error(let code, _, _): self.end(slot, reason: Self.closeReason(ofError: code))
        default: break
        }
    }

    private static func closeReason(ofError code: UInt32) -> CloseReason {
        switch CentrifugeError(rawValue: code) {
        case .tokenExpired, .expired: .connectionExpired
        case .tooManyRequests: .tooManyRequests
        case .permissionDenied: .permissionDenied
        default: .internalError
        }
    }

    // MARK: - Pings

    func sendPing(_ slot: Int32) {
        let connection = self.connections[Int(slot)]
        let isNative = connection.flags.contains(.nativePing)
        switch connection.kind {
        case .events:
            self.reactor.send(connection.flags.contains(.chunked) ? Self.commentChunk : Self.comment, to: slot)
        case .uniWebSocket:
            // The message is for the client, whose silence timer it resets; the frame shows whether there is one.
            self.reactor.send(Self.emptyFrame, to: slot)
            self.reactor.send(Self.pingFrame, to: slot)
        case .centrifuge, .jsonRPC: self.reactor.send(isNative ? Self.pingFrame : Self.emptyFrame, to: slot)
        case .centrifugeProtobuf: self.reactor.send(isNative ? Self.pingFrame : Self.emptyBinaryFrame, to: slot)
        case .sse, .httpStream, .uniSSE, .uniHTTPStream: self.send(slot, CentrifugeJSON.ping)
        case .httpStreamProtobuf: self.send(slot, CentrifugeProtobuf.ping)
        }
    }

    private static let comment = EventStreamEncoder.comment("")
    private static let commentChunk = ChunkedEncoding.chunk(EventStreamEncoder.comment(""))
    private static let pingFrame = WebSocketFrame.encode(.ping, payload: [])
    private static let emptyFrame = WebSocketFrame.encode(.text, payload: CentrifugeJSON.ping)
    private static let emptyBinaryFrame = WebSocketFrame.encode(.binary, payload: CentrifugeProtobuf.ping)
}
