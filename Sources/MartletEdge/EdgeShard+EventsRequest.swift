// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletPolicy
import MartletReactor
import MartletSessions
import MartletWire

/// Requests for a plain event stream.
extension EdgeShard {
    func eventsRequest(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>) {
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
        case .identity(let verified) where self.waitsForAuthority(slot, verified): return false
        case .identity(let verified) where self.isTurnedAway(slot, verified):
            self.comeLater(slot, head, bytes, isEventStream: true, .unvalidated, after: Self.secondsUntilReturn)
            return false
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
        case .expired, .refused, .anonymous:
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
        var request = EventsRequest(channels: channels, isChunked: isChunked)
        request.lastID = self.lastID(head, bytes)
        switch self.startEvents(slot, identity, request, head: answer) {
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
        // Each once, as an id names them.
        var seen: Set<String> = []
        return .success(names.filter { seen.insert($0).inserted })
    }

    /// What a browser that comes back sends by itself, and others, who cannot set a field, in the query.
    private func lastID(_ head: HTTPRequestHead, _ bytes: Span<UInt8>) -> String? {
        if let range = head.lastEventID, !range.isEmpty { return bytes.text(range) }
        let id = QueryItems.first("lastEventId", in: bytes, query: head.query)
        return id?.isEmpty == true ? nil : id
    }
}
