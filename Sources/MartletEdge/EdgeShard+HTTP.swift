// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletPolicy
import MartletReactor
import MartletSessions
import MartletWire

/// Requests on the public listener: routing, admission and refusals.
extension EdgeShard {
    private enum Route {
        case webSocket(EdgeProtocol)
        case events
    }

    /// What a request brought to prove who it is.
    private struct Credentials {
        var token: String?
        var isCookie = false
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
            return self.isWaitingForKeys(slot) ? 0 : head.length
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

    // MARK: - WebSocket

    private func webSocketRequest(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ kind: EdgeProtocol) {
        let accept: [UInt8]
        switch WebSocketHandshake.check(head, in: bytes) {
        case .refused(let refusal): return self.refuse(slot, head, bytes, refusal, "bad_request")
        case .accepted(let proof): accept = proof
        }
        let supported = kind == .centrifuge ? ["centrifuge-json"] : ["jsonrpc"]
        let offers = WebSocketHandshake.subprotocols(head, in: bytes, supported: supported)
        if kind == .centrifuge, self.wantsProtobuf(head, bytes) {
            let refusal = HTTPRefusal(.badRequest, "Only the JSON protocol is spoken here.")
            return self.refuse(slot, head, bytes, refusal, "bad_request")
        }
        var credentials = self.credentials(head, bytes)
        if credentials.token == nil, let bearer = offers.bearer { credentials.token = bytes.text(bearer) }
        if let text = self.shared.origins.refusal(
            head, in: bytes, isWebSocket: true, usesCookie: credentials.isCookie)
        {
            return self.refuse(slot, head, bytes, HTTPRefusal(.forbidden, text), "origin")
        }
        guard self.admit(slot, head, bytes, isEventStream: false) else { return }
        self.openWebSocket(slot, head, bytes, kind, credentials.token) {
            HTTPResponse.upgrade(accept: accept, subprotocol: offers.chosen)
        }
    }

    private func openWebSocket(
        _ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ kind: EdgeProtocol, _ token: String?,
        upgrade: () -> [UInt8]
    ) {
        var identity: Identity?
        if let token, kind == .jsonRPC {
            switch self.authenticate(token) {
            case .identity(let verified):
                guard self.admitUser(slot, verified, head, bytes, isEventStream: false) else { return }
                identity = verified
            case .keysNeeded where !self.hasWaitedForKeys(slot):
                self.unadmit(slot)
                return self.waitForKeys(slot)
            case .keysNeeded:
                self.unadmit(slot)
                return self.comeLater(slot, head, bytes, isEventStream: false, .notReady, after: 1)
            case .expired, .refused, .missing:
                self.unadmit(slot)
                let refusal = HTTPRefusal(.unauthorized, "The token is not valid.", fields: Self.challenge)
                return self.refuse(slot, head, bytes, refusal, "unauthorized")
            }
        } else if let token {
            self.withExtras(slot).token = token
        }
        self.connections[Int(slot)].stage = .webSocket
        self.addresses[slot] = nil
        self.admitted(slot, kind)
        self.dropExtrasIfIdle(slot)
        if kind == .jsonRPC || QueryItems.first("cf_ws_frame_ping_pong", in: bytes, query: head.query) == "true" {
            self.connections[Int(slot)].flags.insert(.nativePing)
        }
        self.reactor.send(upgrade(), to: slot)
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
        guard let identity else { return }
        switch self.rpcEnter(slot, identity) {
        case .clear: break
        case .revoked(let reason): self.endWebSocket(slot, reason: reason)
        case .belowFloor: self.endWebSocket(slot, reason: .connectionExpired)
        }
    }

    private func wantsProtobuf(_ head: HTTPRequestHead, _ bytes: Span<UInt8>) -> Bool {
        if QueryItems.first("format", in: bytes, query: head.query) == "protobuf" { return true }
        if QueryItems.first("cf_protocol", in: bytes, query: head.query) == "protobuf" { return true }
        let offered = WebSocketHandshake.subprotocols(head, in: bytes, supported: ["centrifuge-protobuf"])
        return offered.chosen != nil
            && WebSocketHandshake.subprotocols(head, in: bytes, supported: ["centrifuge-json"]).chosen == nil
    }

    // MARK: - Event streams

    private func eventsRequest(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>) {
        guard head.method == .get, !head.hasBody else {
            let refusal = HTTPRefusal(
                .methodNotAllowed, "An event stream is opened with GET.", fields: [HTTPField("Allow", "GET, OPTIONS")])
            return self.refuse(slot, head, bytes, refusal, "bad_request")
        }
        guard MediaType.isAccepted(MediaType.eventStream, by: head.accept, in: bytes) else {
            let refusal = HTTPRefusal(.notAcceptable, "Only text/event-stream is served here.")
            return self.refuse(slot, head, bytes, refusal, "bad_request")
        }
        let credentials = self.credentials(head, bytes)
        if let text = self.shared.origins.refusal(
            head, in: bytes, isWebSocket: false, usesCookie: credentials.isCookie)
        {
            return self.refuse(slot, head, bytes, HTTPRefusal(.forbidden, text), "origin")
        }
        guard self.admit(slot, head, bytes, isEventStream: true) else { return }
        if !self.openEvents(slot, head, bytes, credentials.token) { self.unadmit(slot) }
    }

    /// False where the request was answered otherwise, or waits.
    private func openEvents(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ token: String?) -> Bool {
        let identity: Identity
        switch self.authenticate(token) {
        case .identity(let verified): identity = verified
        case .keysNeeded where !self.hasWaitedForKeys(slot):
            self.waitForKeys(slot)
            return false
        case .keysNeeded:
            self.comeLater(slot, head, bytes, isEventStream: true, .notReady, after: 1)
            return false
        case .missing:
            let refusal = HTTPRefusal(
                .unauthorized, "A token is needed: as bearer token, or as access_token in the query.",
                fields: Self.challenge)
            self.refuse(slot, head, bytes, refusal, "unauthorized")
            return false
        case .expired, .refused:
            let refusal = HTTPRefusal(.unauthorized, "The token is not valid.", fields: Self.challenge)
            self.refuse(slot, head, bytes, refusal, "unauthorized")
            return false
        }
        let channels: [String]
        switch self.channels(head, bytes, identity) {
        case .success(let asked): channels = asked
        case .failure(let refusal):
            self.refuse(slot, head, bytes, refusal, "permission")
            return false
        }
        guard self.admitUser(slot, identity, head, bytes, isEventStream: true) else { return false }
        let isChunked = self.shared.configuration.eventsChunked && head.minorVersion >= 1
        let fields = self.shared.cors.fields(head, in: bytes)
        let answer = HTTPResponse.stream(isChunked: isChunked, fields: fields)
        switch self.startEvents(slot, identity, channels: channels, isChunked: isChunked, head: answer) {
        case .clear: return true
        case .revoked(let reason):
            self.leave(slot)
            let refusal = HTTPRefusal(.unauthorized, "This token has ended: \(reason.text).")
            self.refuse(slot, head, bytes, refusal, "revoked")
        case .belowFloor:
            self.leave(slot)
            self.refuse(slot, head, bytes, HTTPRefusal(.unauthorized, "The token is too old."), "unauthorized")
        }
        return false
    }

    private func channels(
        _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ identity: Identity
    ) -> Result<[String], HTTPRefusal> {
        guard let asked = QueryItems.all("channel", in: bytes, query: head.query) else {
            return .failure(HTTPRefusal(.badRequest, "A channel's name is not UTF-8."))
        }
        let names = asked.isEmpty ? identity.channels : asked
        guard !names.isEmpty else { return .failure(HTTPRefusal(.badRequest, "No channel is asked for.")) }
        guard names.count <= self.limits.eventChannelsMax else {
            return .failure(HTTPRefusal(.badRequest, "More than \(self.limits.eventChannelsMax) channels."))
        }
        for name in names {
            guard ChannelName.isValid(name, bytesMax: self.limits.channelBytesMax) else {
                return .failure(HTTPRefusal(.badRequest, "A channel's name is not valid."))
            }
            guard let options = self.namespaces.options(of: name),
                options.permitsSubscribing(to: name, by: identity)
            else { return .failure(HTTPRefusal(.forbidden, "A channel may not be read.")) }
        }
        return .success(names)
    }

    // MARK: - Admission and refusals

    private static let challenge = [HTTPField("WWW-Authenticate", "Bearer")]

    /// The first found of a bearer header, the query (RFC 6750 sections 2.1 and 2.3) and the configured cookie.
    private func credentials(_ head: HTTPRequestHead, _ bytes: Span<UInt8>) -> Credentials {
        if let range = head.bearerToken(in: bytes) { return Credentials(token: bytes.text(range)) }
        if let token = QueryItems.first("access_token", in: bytes, query: head.query) {
            return Credentials(token: token)
        }
        if let name = self.shared.configuration.tokenCookie,
            let range = Cookies.value(name, in: bytes, lines: head.cookies)
        {
            return Credentials(token: bytes.text(range), isCookie: true)
        }
        return Credentials()
    }

    /// Takes a place for the connection, or answers that there is none.
    private func admit(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, isEventStream: Bool) -> Bool {
        let peer = self.addresses[slot] ?? PeerAddress(v4: 0)
        let trusted = self.shared.configuration.trustedProxies
        let client =
            trusted.isEmpty
            ? peer : ForwardedFor.client(of: peer, lines: head.forwardedFor, in: bytes, trusted: trusted)
        switch self.shared.admit(client, now: self.reactor.now) {
        case .admit:
            self.connections[Int(slot)].flags.insert(.placed)
            if self.shared.limitsAddresses { self.withExtras(slot).address = client }
            return true
        case .refuse(let reason, let seconds):
            self.comeLater(slot, head, bytes, isEventStream: isEventStream, reason, after: seconds)
            return false
        }
    }

    /// Decides on a user once it is known.
    private func admitUser(
        _ slot: Int32, _ identity: Identity, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, isEventStream: Bool
    ) -> Bool {
        guard case .refuse(let reason, let seconds) = self.enterUser(slot, identity) else { return true }
        self.unadmit(slot)
        self.comeLater(slot, head, bytes, isEventStream: isEventStream, reason, after: seconds)
        return false
    }

    /// A refusal that is not final: an `EventSource` takes any answer but 200 as final, so it gets one.
    private func comeLater(
        _ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, isEventStream: Bool, _ reason: AdmissionRefusal,
        after seconds: Int
    ) {
        let fields = self.shared.cors.fields(head, in: bytes)
        if isEventStream {
            self.shared.metrics.countRefused(reason.rawValue)
            self.reactor.send(
                HTTPResponse.comeLater(afterMilliseconds: seconds * 1_000, fields: fields), to: slot)
            return self.finish(slot, reason: .answered)
        }
        let refusal = HTTPRefusal(
            reason.isOfClient ? .tooManyRequests : .serviceUnavailable, "Come back later.",
            fields: [HTTPField("Retry-After", String(max(1, seconds)))])
        self.refuse(slot, head, bytes, refusal, reason.rawValue)
    }

    private func refuse(
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
    private func keepsAlive(_ head: HTTPRequestHead) -> Bool {
        head.keepsAlive && !head.hasBody && !self.shared.isDraining
    }

    private func answered(_ slot: Int32, keepsAlive: Bool) {
        guard keepsAlive else { return self.finish(slot, reason: .answered) }
        self.connections[Int(slot)].stage = .head
        self.connections[Int(slot)].flags.insert(.keptAlive)
        self.dropExtrasIfIdle(slot)
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
    }
}
