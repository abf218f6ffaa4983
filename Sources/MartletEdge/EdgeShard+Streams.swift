// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import MartletProtocol
import MartletReactor
import MartletWire

/// The Centrifuge protocol on responses that do not end.
extension EdgeShard {
    /// A request whose commands (or whose request to connect, on a unidirectional transport) stand in its body, or in
    /// its query where a bare `EventSource` must be able to make it.
    func streamRequest(
        _ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ asked: EdgeProtocol, body: Range<Int>
    ) {
        var kind = asked
        if kind == .httpStream, MediaType.names(MediaType.octetStream, head.contentType, in: bytes) {
            kind = .httpStreamProtobuf
        }
        let message: [UInt8]
        switch self.firstMessage(slot, head, bytes, kind, body: body) {
        case .success(let first): message = first
        case .failure(let refusal): return self.refuse(slot, head, bytes, refusal, "bad_request")
        }
        let credentials = self.credentials(head, bytes)
        if let text = self.shared.origins.refusal(
            head, in: bytes, isWebSocket: false, usesCookie: credentials.isCookie)
        {
            return self.refuse(slot, head, bytes, HTTPRefusal(.forbidden, text), "origin")
        }
        // The SDKs' event streams come back by themselves whatever the answer; a bare one does not.
        guard self.admit(slot, head, bytes, isEventStream: kind == .uniSSE) else { return }
        self.openStream(slot, head, bytes, kind, credentials.token)
        self.message(slot, message.span)
    }

    private func firstMessage(
        _ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ kind: EdgeProtocol, body: Range<Int>
    ) -> Result<[UInt8], HTTPRefusal> {
        var message: [UInt8]
        switch head.method {
        case .post:
            if let refusal = self.bodyRefusal(slot, head) { return .failure(refusal) }
            message = bytes.copy(body)
        case .get where kind.isEventStream && !head.hasBody:
            guard let items = QueryItems.all("cf_connect", in: bytes, query: head.query) else {
                return .failure(HTTPRefusal(.badRequest, "cf_connect is not UTF-8."))
            }
            message = items.first.map { Array($0.utf8) } ?? []
        default:
            let methods = kind.isEventStream ? "GET, POST" : "POST"
            return .failure(
                HTTPRefusal(
                    .methodNotAllowed, "This stream is opened with \(methods).",
                    fields: [HTTPField("Allow", methods + ", OPTIONS")]))
        }
        if kind.isUnidirectional {
            if message.isEmpty { message = CentrifugeJSON.ping }
            guard CentrifugeJSON.connectRequest(message.span) != nil else {
                return .failure(HTTPRefusal(.badRequest, "The request to connect is malformed."))
            }
        } else if message.isEmpty {
            return .failure(HTTPRefusal(.badRequest, "The command to connect is missing."))
        }
        return .success(message)
    }

    private func openStream(
        _ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, _ kind: EdgeProtocol, _ token: String?
    ) {
        let isChunked = self.shared.configuration.eventsChunked && head.minorVersion >= 1
        if isChunked { self.connections[Int(slot)].flags.insert(.chunked) }
        self.connections[Int(slot)].stage = .stream
        self.addresses[slot] = nil
        self.admitted(slot, kind)
        if let token { self.withExtras(slot).token = token }
        self.dropExtrasIfIdle(slot)
        let answer = HTTPResponse.stream(
            contentType: kind.contentType, isChunked: isChunked, fields: self.shared.cors.fields(head, in: bytes),
            forbidsStoring: true)
        self.reactor.send(answer, to: slot)
        // A browser tells its page that the stream is open when the first bytes come.
        if kind.isEventStream { self.sendRaw(slot, Array("\r\n".utf8)) }
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
    }

    /// Bytes of the stream that are no message.
    private func sendRaw(_ slot: Int32, _ bytes: [UInt8]) {
        let isChunked = self.connections[Int(slot)].flags.contains(.chunked)
        self.reactor.send(isChunked ? ChunkedEncoding.chunk(bytes) : bytes, to: slot)
    }

    // MARK: - The end

    /// How long a client that did not get in waits to be told to come back: older SDKs come at once.
    private static let pace: ClosedRange<Int64> = 500_000_000...1_000_000_000
    /// When a bare `EventSource` asks again that is better not heard.
    private static let neverMilliseconds = 3_600_000

    func endStream(_ slot: Int32, _ notice: CloseNotice) {
        let connection = self.connections[Int(slot)]
        guard connection.kind.isEmulated, notice.mayReconnect, !connection.flags.contains(.connected) else {
            return self.part(slot, notice)
        }
        // It keeps its place meanwhile, so that there are never more of these than connections.
        let extras = self.withExtras(slot)
        extras.goodbye = notice
        // Whatever it waited for, it is too late.
        extras.connect = nil
        self.waitingForKeys.remove(slot)
        self.connections[Int(slot)].flags.remove(.waits)
        self.connections[Int(slot)].stage = .parting
        self.reactor.setDeadline(slot, at: self.reactor.now + .random(in: Self.pace))
    }

    /// The time of a goodbye has come.
    func part(_ slot: Int32) {
        self.part(slot, self.existingExtras(slot)?.goodbye ?? CloseNotice(.connectionClosed))
    }

    /// The last message says why, as there is no close frame that could.
    private func part(_ slot: Int32, _ notice: CloseNotice) {
        if self.connections[Int(slot)].kind == .uniSSE {
            // A bare `EventSource` comes back whatever the message says; when, it can be told.
            let wait = notice.mayReconnect ? self.retryMilliseconds() : Self.neverMilliseconds
            self.sendRaw(slot, EventStreamEncoder.retry(milliseconds: wait))
        }
        self.push(slot, .disconnect(notice))
        if self.connections[Int(slot)].flags.contains(.chunked) {
            self.reactor.send(ChunkedEncoding.last, to: slot)
        }
        self.finish(slot, reason: notice.reason)
    }
}
