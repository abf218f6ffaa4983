// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletPolicy
import MartletReactor
import MartletSessions
import MartletWire

/// Requests on the public listener: routing and answers.
extension EdgeShard {
    private enum Route {
        case webSocket(EdgeProtocol)
        case events
    }

    func proxyHeader(_ slot: Int32, _ bytes: Span<UInt8>) -> Int {
        let peer = self.addresses[slot]
        guard let peer, self.shared.configuration.trustedProxies.contains(where: { $0.contains(peer) }) else {
            self.shared.metrics.countRefused("bad_request")
            self.reactor.abort(slot)
            return bytes.count
        }
        switch ProxyProtocol.parse(bytes) {
        case .needMore: return 0
        case .header(let source, let length):
            self.addresses[slot] = source
            self.connections[Int(slot)].stage = .head
            return length
        case .local(let length):
            self.connections[Int(slot)].stage = .head
            return length
        case .invalid:
            self.shared.metrics.countRefused("bad_request")
            self.reactor.abort(slot)
            return bytes.count
        }
    }

    /// One request. The number of bytes used up; zero where more must come first.
    func request(_ slot: Int32, _ bytes: Span<UInt8>) -> Int {
        let scanned = Int(self.connections[Int(slot)].scanned)
        switch HTTPRequestParser.parse(bytes, limits: self.shared.httpLimits, scanned: scanned) {
        case .needMore:
            self.connections[Int(slot)].scanned = UInt32(clamping: bytes.count)
            return 0
        case .refused(let refusal):
            self.shared.metrics.countRefused("bad_request")
            self.reactor.send(HTTPResponse.refusal(refusal), to: slot)
            self.finish(slot, reason: .answered)
            return bytes.count
        case .head(let head):
            self.connections[Int(slot)].scanned = 0
            self.answer(slot, head, bytes)
            return self.isWaiting(slot) ? 0 : head.length
        }
    }

    private func answer(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>) {
        guard let route = self.route(bytes.text(head.path)) else {
            return self.refuse(slot, head, bytes, HTTPRefusal(.notFound, "There is nothing here."), "not_found")
        }
        if head.method == .options {
            let fine = self.keepsAlive(head)
            self.reactor.send(self.shared.cors.preflight(head, in: bytes, keepsAlive: fine), to: slot)
            return self.answered(slot, keepsAlive: fine)
        }
        switch route {
        case .webSocket(let kind): self.webSocketRequest(slot, head, bytes, kind)
        case .events: self.eventsRequest(slot, head, bytes)
        }
    }

    private func route(_ path: String) -> Route? {
        switch path {
        case "/ws": .webSocket(.jsonRPC)
        case "/connection/websocket": .webSocket(.centrifuge)
        case "/events": .events
        default: nil
        }
    }

    func refuse(
        _ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ refusal: HTTPRefusal, _ label: String
    ) {
        self.shared.metrics.countRefused(label)
        let keepsAlive = self.keepsAlive(head)
        let fields = self.shared.cors.fields(head, in: bytes)
        self.reactor.send(
            HTTPResponse.refusal(refusal, fields: fields, keepsAlive: keepsAlive, isHead: head.method == .head),
            to: slot)
        self.answered(slot, keepsAlive: keepsAlive)
    }

    /// A body would have to be read to find the next request, and nobody here wants one.
    func keepsAlive(_ head: HTTPRequestHead) -> Bool {
        head.keepsAlive && !head.hasBody && !self.shared.isDraining
    }

    func answered(_ slot: Int32, keepsAlive: Bool) {
        guard keepsAlive else { return self.finish(slot, reason: .answered) }
        self.connections[Int(slot)].stage = .head
        self.connections[Int(slot)].flags.insert(.keptAlive)
        self.dropExtrasIfIdle(slot)
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
    }
}
