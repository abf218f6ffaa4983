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
        case stream(EdgeProtocol)
        case events
        case emulation

        var takesBody: Bool {
            switch self {
            case .stream, .emulation: true
            case .webSocket, .events: false
            }
        }
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
        if self.connections[Int(slot)].stage == .body {
            // The head was read before; until its body is whole there is no use in reading it again.
            guard bytes.count >= Int(self.connections[Int(slot)].scanned) else { return 0 }
            self.connections[Int(slot)].stage = .head
            self.connections[Int(slot)].scanned = 0
        }
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
            guard let route = self.route(bytes.text(head.path)) else {
                self.refuse(slot, head, bytes, HTTPRefusal(.notFound, "There is nothing here."), "not_found")
                return head.length
            }
            guard let body = self.body(slot, head, route, bytes) else { return 0 }
            self.answer(slot, head, route, bytes, body)
            // A request that waits for keys is answered when they have come, from its beginning.
            let isAwaited = self.connections[Int(slot)].stage == .head && self.isWaiting(slot)
            return isAwaited ? 0 : body.upperBound
        }
    }

    /// Where the body lies that the request's route takes; nil where it must still come.
    private func body(
        _ slot: Int32, _ head: HTTPRequestHead, _ route: Route, _ bytes: Span<UInt8>
    ) -> Range<Int>? {
        let (start, length) = (head.length, head.contentLength ?? 0)
        guard route.takesBody, head.method == .post, self.bodyRefusal(slot, head) == nil else { return start..<start }
        if bytes.count - start >= length {
            self.connections[Int(slot)].flags.insert(.bodyRead)
            return start..<(start + length)
        }
        self.connections[Int(slot)].stage = .body
        self.connections[Int(slot)].scanned = UInt32(clamping: start + length)
        if head.expectsContinue, head.minorVersion >= 1 { self.reactor.send(HTTPResponse.proceed, to: slot) }
        return nil
    }

    /// Why the body of a request will not be read. One of chunks would have to be put together, and no client sends it.
    func bodyRefusal(_ slot: Int32, _ head: HTTPRequestHead) -> HTTPRefusal? {
        if head.isChunked { return HTTPRefusal(.lengthRequired, "The body needs a Content-Length.") }
        let max = self.limits.messageBytesMax
        guard let length = head.contentLength, length > max else { return nil }
        return HTTPRefusal(.contentTooLarge, "The body is larger than \(max) bytes.")
    }

    private func answer(
        _ slot: Int32, _ head: HTTPRequestHead, _ route: Route, _ bytes: Span<UInt8>, _ body: Range<Int>
    ) {
        if head.method == .options {
            let fine = self.keepsAlive(slot, head)
            self.reactor.send(self.shared.cors.preflight(head, in: bytes, keepsAlive: fine), to: slot)
            return self.answered(slot, keepsAlive: fine)
        }
        switch route {
        case .webSocket(let kind): self.webSocketRequest(slot, head, bytes, kind)
        case .stream(let kind): self.streamRequest(slot, head, bytes, kind, body: body)
        case .events: self.eventsRequest(slot, head, bytes)
        case .emulation: self.emulationRequest(slot, head, bytes, body: body)
        }
    }

    private func route(_ path: String) -> Route? {
        let transports = self.shared.configuration.transports
        return switch path {
        case "/ws": .webSocket(.jsonRPC)
        case "/connection/websocket": .webSocket(.centrifuge)
        case "/connection/sse" where transports.sse: .stream(.sse)
        case "/connection/http_stream" where transports.httpStream: .stream(.httpStream)
        case "/emulation" where transports.areEmulated: .emulation
        case "/connection/uni_websocket" where transports.uniWebSocket: .webSocket(.uniWebSocket)
        case "/connection/uni_sse" where transports.uniSSE: .stream(.uniSSE)
        case "/connection/uni_http_stream" where transports.uniHTTPStream: .stream(.uniHTTPStream)
        case "/events": .events
        default: nil
        }
    }

    func refuse(
        _ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ refusal: HTTPRefusal, _ label: String
    ) {
        self.shared.metrics.countRefused(label)
        let keepsAlive = self.keepsAlive(slot, head)
        let fields = self.shared.cors.fields(head, in: bytes)
        self.reactor.send(
            HTTPResponse.refusal(refusal, fields: fields, keepsAlive: keepsAlive, isHead: head.method == .head),
            to: slot)
        self.answered(slot, keepsAlive: keepsAlive)
    }

    /// A body that was not read would have to be, to find the next request.
    func keepsAlive(_ slot: Int32, _ head: HTTPRequestHead) -> Bool {
        let isRead = !head.hasBody || self.connections[Int(slot)].flags.contains(.bodyRead)
        return head.keepsAlive && isRead && !self.shared.isDraining
    }

    func answered(_ slot: Int32, keepsAlive: Bool) {
        guard keepsAlive else { return self.finish(slot, reason: .answered) }
        self.connections[Int(slot)].stage = .head
        self.connections[Int(slot)].flags.insert(.keptAlive)
        self.connections[Int(slot)].flags.remove(.bodyRead)
        // The next request may be another client's, behind a proxy.
        self.existingExtras(slot)?.waitedForKeys = false
        self.dropExtrasIfIdle(slot)
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
    }
}
