// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletPolicy
import MartletReactor
import MartletSessions
import MartletWire

/// Requests for a WebSocket.
extension EdgeShard {
    func webSocketRequest(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ kind: EdgeProtocol) {
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
}
