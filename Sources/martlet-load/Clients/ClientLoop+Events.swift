// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletReactor
import MartletWire

/// Event-stream clients: the answer's head, then lines.
extension ClientLoop {
    func receivedEvents(_ number: Int, _ bytes: Span<UInt8>) -> Int {
        var start = 0
        if self.clients[number].stage == .answering {
            switch HTTPResponseHead.parse(bytes) {
            case .needMore: return 0
            case .invalid: self.refused(number, "not HTTP")
            case .head(let head) where head.status != 200: self.refused(number, "HTTP \(head.status)")
            case .head(let head):
                start = head.length
                let coding = head.value(of: "transfer-encoding") ?? ""
                self.streams[number] = EventReader(isChunked: coding.contains("chunked"))
                self.clients[number].stage = .subscribing
                if self.plan.kind.isBare { self.opened(number) }
            }
        }
        guard [.subscribing, .open].contains(self.clients[number].stage), var reader = self.streams[number] else {
            return bytes.count
        }
        // Taken out while it is fed, so that it alone holds its bytes.
        self.streams[number] = nil
        let outcome = reader.feed(bytes, from: start) { self.line(number, $0, $1) }
        self.streams[number] = reader
        if outcome != .more { self.streamEnded(number, isInvalid: outcome == .invalid) }
        return bytes.count
    }

    private func line(_ number: Int, _ bytes: Span<UInt8>, _ range: Range<Int>) {
        let isOpen = self.clients[number].stage == .open
        if isOpen, bytes[range.lowerBound] == UInt8(ascii: "d"),
            let message = LoadMessage.find(in: bytes, range, hint: &self.hint)
        {
            self.enter(message, by: number)
            return
        }
        switch bytes.text(range) {
        case ":subscribed": if self.clients[number].stage == .subscribing { self.opened(number) }
        case "event: gap": self.tally.gaps += 1
        case "event: disconnect": self.note(number, reason: "disconnect")
        case let line where line.hasPrefix(":"): self.tally.pings += 1
        case let line where line.hasPrefix("data:"):
            if self.clients[number].reason >= 0 { self.note(number, reason: Self.reason(line)) }
        default: break
        }
    }

    /// The code and the text of a disconnect event, as a WebSocket's close would say them.
    private static func reason(_ line: String) -> String {
        let field = { (name: String) -> Substring in
            guard let start = line.firstRange(of: "\"\(name)\":")?.upperBound else { return "" }
            return line[start...].prefix { $0 != "," && $0 != "}" }
        }
        return "\(field("code")) \(field("reason").filter { $0 != "\"" })"
    }

    private func streamEnded(_ number: Int, isInvalid: Bool) {
        let slot = self.clients[number].slot
        guard self.clients[number].stage == .open else {
            return self.refused(number, isInvalid ? "not an event stream" : "told to come later")
        }
        if isInvalid { self.note(number, reason: "not an event stream") }
        if self.clients[number].reason < 0 { self.note(number, reason: "ended, may come back") }
        self.left(number)
        self.reactor.finish(slot)
    }
}
