// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import MartletProtocol
import MartletReactor
import MartletWire

extension EdgeShard {
    /// One frame of a WebSocket. The number of bytes used up; zero where more must come first.
    func frame(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>, from start: Int) -> Int {
        let event = self.connections[Int(slot)].decoder.next(
            &bytes, from: start, messageBytesMax: self.limits.messageBytesMax)
        switch event {
        case .needMore:
            return 0
        case .message(_, let payload, let end):
            self.message(slot, bytes.span.extracting(payload))
            return end - start
        case .fragment(let opcode, let payload, let isFinal, let end):
            self.fragment(slot, opcode, bytes.span.extracting(payload), isFinal)
            return end - start
        case .ping(let payload, let end):
            self.reactor.send(
                WebSocketFrame.encode(.pong, payload: [UInt8](copying: bytes.span.extracting(payload))), to: slot)
            return end - start
        case .pong(_, let end):
            let flags = self.connections[Int(slot)].flags
            if flags.contains([.nativePing, .awaitsPong]) { self.ponged(slot) }
            return end - start
        case .close(let code, _, let end):
            self.peerClosed(slot, code)
            return end - start
        case .violation(let violation):
            let reason: CloseReason =
                switch violation.code {
                case 1007: .invalidPayload
                case 1009: .messageTooBig
                default: .protocolError
                }
            self.endWebSocket(slot, CloseNotice(reason), awaitsPeer: false)
            return bytes.count - start
        }
    }

    private func fragment(_ slot: Int32, _ opcode: WebSocketOpcode, _ payload: Span<UInt8>, _ isFinal: Bool) {
        let extras = self.withExtras(slot)
        var assembler = extras.assembler ?? WebSocketAssembler()
        extras.assembler = nil
        if let message = assembler.append(opcode, payload, isFinal: isFinal) {
            self.message(slot, message.payload.span)
            self.dropExtrasIfIdle(slot)
        } else {
            extras.assembler = assembler
        }
    }

    /// The peer's close frame is answered with its code (RFC 6455 section 5.5.1).
    private func peerClosed(_ slot: Int32, _ code: UInt16?) {
        let payload = code.map { WebSocketFrame.closePayload(code: $0, reason: "") } ?? []
        self.reactor.send(WebSocketFrame.encode(.close, payload: payload), to: slot)
        self.finish(slot, reason: .peerClosed)
    }

    func endWebSocket(_ slot: Int32, reason: CloseReason) { self.endWebSocket(slot, CloseNotice(reason)) }

    /// - Parameter awaitsPeer: Whether the peer's close frame comes before our end; not where it breaks the protocol.
    func endWebSocket(_ slot: Int32, _ notice: CloseNotice, awaitsPeer: Bool = true) {
        var (code, text) = (notice.code, notice.text)
        // Without an SDK that knows when to come back, a client must be told.
        if self.connections[Int(slot)].kind == .jsonRPC, [.shutdown, .rebalance].contains(notice.reason) {
            let told = notice.reason == .shutdown ? CloseReason.serviceRestart : notice.reason
            code = told.code
            text = "\(told.text), retry after \(self.retryMilliseconds()) ms"
        }
        // Who cannot read close frames, as many a client without an SDK, finds it among the pushes.
        if self.connections[Int(slot)].kind == .uniWebSocket { self.push(slot, .disconnect(notice)) }
        let payload = WebSocketFrame.closePayload(code: code, reason: text)
        self.reactor.send(WebSocketFrame.encode(.close, payload: payload), to: slot)
        guard awaitsPeer else { return self.finish(slot, reason: notice.reason) }
        self.connections[Int(slot)].reason = notice.reason
        self.leave(slot)
        self.connections[Int(slot)].stage = .closing
        self.reactor.finish(slot, afterPeer: true)
    }

    /// Looks for the peer's close frame once ours was sent (RFC 6455 section 7.1.1): our side ends with it. An end before
    /// it looks like a broken connection to some clients, which then come back instead of reading why they were closed.
    func frameAfterClose(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>, from start: Int) -> Int {
        let event = self.connections[Int(slot)].decoder.next(
            &bytes, from: start, messageBytesMax: self.limits.messageBytesMax)
        switch event {
        case .needMore: return 0
        case .message(_, _, let end), .fragment(_, _, _, let end), .ping(_, let end), .pong(_, let end):
            return end - start
        case .close, .violation:
            self.connections[Int(slot)].stage = .ending
            self.reactor.finish(slot)
            return bytes.count - start
        }
    }

    /// When a client should come back: spread, so that those who were told together do not come together.
    func retryMilliseconds() -> Int {
        ReconnectAdvice.milliseconds(
            .milliseconds(self.shared.configuration.eventRetryMilliseconds), random: self.pauses.next())
    }
}
