// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletPolicy
import MartletProtocol
import MartletReactor
import MartletSessions
import MartletWire

/// Requests for a WebSocket.
extension EdgeShard {
    func webSocketRequest(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ asked: EdgeProtocol) {
        let accept: [UInt8]
        switch WebSocketHandshake.check(head, in: bytes) {
        case .refused(let refusal): return self.refuse(slot, head, bytes, refusal, "bad_request")
        case .accepted(let proof): accept = proof
        }
        let offers = WebSocketHandshake.subprotocols(
            head, in: bytes, supported: self.subprotocols(asked, head, bytes))
        let kind = self.encoding(of: asked, head, bytes, offers.chosen)
        guard kind != .uniWebSocket || self.hasValidConnect(head, bytes) else {
            let refusal = HTTPRefusal(.badRequest, "The request to connect is malformed.")
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
            case .identity(let verified) where self.waitsForAuthority(slot, verified):
                return self.unadmit(slot)
            case .identity(let verified) where self.isTurnedAway(slot, verified):
                self.unadmit(slot)
                return self.comeLater(
                    slot, head, bytes, isEventStream: false, .unvalidated, after: Self.secondsUntilReturn)
            case .identity(let verified):
                guard self.admitUser(slot, verified, head, bytes, isEventStream: false) else { return }
                identity = verified
            case .keysNeeded where !self.hasWaitedForKeys(slot):
                self.unadmit(slot)
                return self.waitForKeys(slot)
            case .keysNeeded:
                self.unadmit(slot)
                return self.comeLater(slot, head, bytes, isEventStream: false, .notReady, after: 1)
            case .expired, .refused, .missing, .anonymous:
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
        if kind == .jsonRPC || kind == .uniWebSocket
            || QueryItems.first("cf_ws_frame_ping_pong", in: bytes, query: head.query) == "true"
        {
            self.connections[Int(slot)].flags.insert(.nativePing)
        }
        self.reactor.send(upgrade(), to: slot)
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
        if kind == .uniWebSocket, let connect = QueryItems.first("cf_connect", in: bytes, query: head.query) {
            self.message(slot, connect.utf8.span)
        }
        guard let identity else { return }
        switch self.rpcEnter(slot, identity) {
        case .clear: break
        case .revoked(let reason): self.endWebSocket(slot, reason: reason)
        case .belowFloor: self.endWebSocket(slot, reason: .connectionExpired)
        }
    }

    private func subprotocols(_ kind: EdgeProtocol, _ head: HTTPRequestHead, _ bytes: Span<UInt8>) -> [String] {
        switch kind {
        case .jsonRPC: ["jsonrpc"]
        case .centrifuge where self.wantsProtobuf(head, bytes): [Self.protobufSubprotocol]
        case .centrifuge: [Self.protobufSubprotocol, "centrifuge-json"]
        default: []
        }
    }

    private static let protobufSubprotocol = "centrifuge-protobuf"

    private func encoding(
        of kind: EdgeProtocol, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ subprotocol: String?
    ) -> EdgeProtocol {
        guard kind == .centrifuge else { return kind }
        let isProtobuf = subprotocol == Self.protobufSubprotocol || self.wantsProtobuf(head, bytes)
        return isProtobuf ? .centrifugeProtobuf : .centrifuge
    }

    private func wantsProtobuf(_ head: HTTPRequestHead, _ bytes: Span<UInt8>) -> Bool {
        ["format", "cf_protocol"].contains { QueryItems.first($0, in: bytes, query: head.query) == "protobuf" }
    }

    /// Whether the request to connect in the query, if there is one, can be read.
    private func hasValidConnect(_ head: HTTPRequestHead, _ bytes: Span<UInt8>) -> Bool {
        guard let items = QueryItems.all("cf_connect", in: bytes, query: head.query) else { return false }
        guard let item = items.first else { return true }
        return CentrifugeJSON.connectRequest(item.utf8.span) != nil
    }
}
