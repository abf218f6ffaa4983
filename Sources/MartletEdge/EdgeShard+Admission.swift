// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import MartletReactor
import MartletWire

/// Who may come in, and what those are told who may not.
extension EdgeShard {
    static let challenge = [HTTPField("WWW-Authenticate", "Bearer")]

    /// The first found of a bearer header, the query (RFC 6750 sections 2.1 and 2.3) and the configured cookie.
    func credentials(_ head: HTTPRequestHead, _ bytes: Span<UInt8>) -> Credentials {
        if let range = head.bearerToken(in: bytes) { return Credentials(token: bytes.text(range)) }
        if let token = QueryItems.first("access_token", in: bytes, query: head.query) {
            return Credentials(token: token)
        }
        if let name = self.shared.configuration.tokenCookie,
            let range = Cookies.value(name, in: bytes, lines: head.cookies)
        {
            return Credentials(token: bytes.text(range), isCookie: true)
        }
        return Credentials(isCookie: self.bearsCookies(head))
    }

    /// Takes a place for the connection, or answers that there is none.
    func admit(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, isEventStream: Bool) -> Bool {
        let peer = self.addresses[slot] ?? PeerAddress(v4: 0)
        let trusted = self.shared.configuration.trustedProxies
        let client =
            trusted.isEmpty
            ? peer : ForwardedFor.client(of: peer, lines: head.forwardedFor, in: bytes, trusted: trusted)
        let extras = self.existingExtras(slot)
        let isLetIn = extras?.isLetIn ?? false
        extras?.isLetIn = false
        switch self.shared.admit(client, now: self.reactor.now, isLetIn: isLetIn) {
        case .admit:
            self.connections[Int(slot)].flags.insert(.placed)
            self.keepLines(slot, head, bytes)
            if self.shared.limitsAddresses { self.withExtras(slot).address = client }
            return true
        case .refuse(let reason, let seconds):
            self.comeLater(slot, head, bytes, isEventStream: isEventStream, reason, after: seconds)
            return false
        }
    }

    /// Decides on a user once it is known.
    func admitUser(
        _ slot: Int32, _ identity: Identity, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, isEventStream: Bool
    ) -> Bool {
        guard case .refuse(let reason, let seconds) = self.enterUser(slot, identity) else { return true }
        self.unadmit(slot)
        self.comeLater(slot, head, bytes, isEventStream: isEventStream, reason, after: seconds)
        return false
    }

    /// A refusal that is not final: an `EventSource` takes any answer but 200 as final, so it gets one.
    ///
    /// Not where a proxy stands before the node and says so (`Martlet-Refuse: status`): it asks another node, and answers
    /// the browser itself where none takes the stream. Who is refused for what is its own would be refused there too, and
    /// is told at once. The header changes nothing but the form of a refusal, so anybody may send it.
    func comeLater(
        _ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, isEventStream: Bool, _ reason: AdmissionRefusal,
        after seconds: Int
    ) {
        let fields = self.shared.cors.fields(head, in: bytes)
        if isEventStream, reason.isOfClient || !head.refusesByStatus {
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
}
