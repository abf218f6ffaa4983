// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletReactor
import MartletWire

/// WebSocket clients: the handshake, the commands that subscribe, and frames.
extension ClientLoop {
    private static let messageBytesMax = 1_048_576
    private static let mask: UInt32 = 0x5A3C_96E1
    private static let pong = WebSocketFrame.encodeMasked(.text, payload: Array("{}".utf8), mask: ClientLoop.mask)

    func receivedFrames(_ number: Int, _ bytes: inout MutableSpan<UInt8>) -> Int {
        var consumed = 0
        if self.clients[number].stage == .answering {
            switch self.handshake.check(bytes.span) {
            case .needMore: return 0
            case .refused(let status):
                self.refused(number, "HTTP \(status)")
                return bytes.count
            case .accepted(let length, _):
                consumed = length
                self.subscribe(number)
            }
        }
        while consumed < bytes.count {
            let stage = self.clients[number].stage
            guard stage == .subscribing || stage == .open else { return bytes.count }
            if stage == .open, let payload = Self.plainText(bytes.span, from: consumed) {
                self.text(number, bytes.span, payload)
                consumed = payload.upperBound
                continue
            }
            let event = self.clients[number].decoder.next(
                &bytes, from: consumed, messageBytesMax: Self.messageBytesMax)
            switch event {
            case .needMore: return consumed
            case .message(_, let payload, let end):
                self.text(number, bytes.span, payload)
                consumed = end
            case .ping(let payload, let end):
                self.tally.pings += 1
                let answer = bytes.span.copy(payload)
                self.reactor.send(
                    WebSocketFrame.encodeMasked(.pong, payload: answer, mask: Self.mask),
                    to: self.clients[number].slot)
                consumed = end
            case .pong(_, let end): consumed = end
            case .close(let code, let reason, _):
                self.closeReceived(number, code: code, reason: bytes.span.text(reason))
                return bytes.count
            case .fragment, .violation:
                self.violation(number, "\(event)")
                return bytes.count
            }
        }
        return consumed
    }

    /// The payload of a whole text message that is all there, as nearly all are. It is not checked byte by byte, because
    /// the clients of many connections share a core; every other frame is the decoder's.
    private static func plainText(_ bytes: Span<UInt8>, from offset: Int) -> Range<Int>? {
        guard bytes.count - offset >= 4, bytes[offset] == 0x81, bytes[offset + 1] <= 126 else { return nil }
        let isShort = bytes[offset + 1] < 126
        let length = isShort ? Int(bytes[offset + 1]) : Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
        let start = offset + (isShort ? 2 : 4)
        return start + length <= bytes.count ? start..<(start + length) : nil
    }

    private func subscribe(_ number: Int) {
        let channel = self.plan.channelName(self.channel(of: number))
        let token = self.token(of: number)
        var messages: [String]
        switch self.plan.kind {
        case .jsonRPC:
            messages = token.map { [#"{"jsonrpc":"2.0","id":1,"method":"connect","params":{"token":"\#($0)"}}"#] } ?? []
            messages.append(#"{"jsonrpc":"2.0","id":2,"method":"subscribe","params":{"channel":"\#(channel)"}}"#)
        case .centrifuge:
            let connect = token.map { #"{"token":"\#($0)"}"# } ?? "{}"
            messages = [#"{"id":1,"connect":\#(connect)}"# + "\n" + #"{"id":2,"subscribe":{"channel":"\#(channel)"}}"#]
        case .events, .bareWebSocket, .bareEvents: return self.opened(number)
        }
        self.clients[number].stage = .subscribing
        for message in messages {
            self.reactor.send(
                WebSocketFrame.encodeMasked(.text, payload: Array(message.utf8), mask: Self.mask),
                to: self.clients[number].slot)
        }
    }

    private func text(_ number: Int, _ bytes: Span<UInt8>, _ payload: Range<Int>) {
        if self.clients[number].stage == .open {
            if let message = LoadMessage.find(in: bytes, payload, hint: &self.hint) {
                self.enter(message, by: number)
            } else if payload.count == 2, self.plan.kind == .centrifuge {
                self.tally.pings += 1
                self.reactor.send(Self.pong, to: self.clients[number].slot)
            } else if bytes.text(payload).contains("\"gap\"") {
                self.tally.gaps += 1
            }
            return
        }
        // Several replies may share a frame, one a line.
        for reply in bytes.text(payload).split(separator: "\n") where reply.contains("\"id\":") {
            if reply.contains("\"error\"") {
                self.refused(number, "error: \(reply)")
            } else if reply.contains("\"id\":2") {
                self.opened(number)
            }
        }
    }

    private func closeReceived(_ number: Int, code: UInt16?, reason: String) {
        let slot = self.clients[number].slot
        let text = "\(code.map(String.init) ?? "no code") \(reason)"
        let wasOpen = self.clients[number].stage == .open
        if wasOpen {
            self.note(number, reason: text)
            self.left(number)
            let payload = code.map { WebSocketFrame.closePayload(code: $0) } ?? []
            self.reactor.send(WebSocketFrame.encodeMasked(.close, payload: payload, mask: Self.mask), to: slot)
            self.reactor.finish(slot)
        } else {
            self.refused(number, "closed: \(text)")
        }
    }

    private func violation(_ number: Int, _ text: String) {
        self.note(number, reason: "violation: \(text)")
        if self.clients[number].stage == .open { self.left(number) }
        self.refused(number, "violation: \(text)")
        self.reactor.abort(self.clients[number].slot)
    }
}
