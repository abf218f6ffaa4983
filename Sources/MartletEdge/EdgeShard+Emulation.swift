// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor
import MartletWire

/// `/emulation`: commands of clients who read their replies from a stream.
extension EdgeShard {
    /// How a request is answered once it is known what became of it.
    struct RelayedRequest {
        var fields: [HTTPField]
        var keepsAlive: Bool
    }

    func emulationRequest(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>, body: Range<Int>) {
        guard head.method == .post else {
            let refusal = HTTPRefusal(
                .methodNotAllowed, "Commands are sent with POST.", fields: [HTTPField("Allow", "POST, OPTIONS")])
            return self.refuse(slot, head, bytes, refusal, "bad_request")
        }
        if let refusal = self.bodyRefusal(slot, head) { return self.refuse(slot, head, bytes, refusal, "bad_request") }
        // The session proves who sends, not a cookie.
        if let text = self.shared.origins.refusal(head, in: bytes, isWebSocket: false, usesCookie: false) {
            return self.refuse(slot, head, bytes, HTTPRefusal(.forbidden, text), "origin")
        }
        let payload = bytes.extracting(body)
        let request =
            MediaType.names(MediaType.octetStream, head.contentType, in: bytes)
            ? CentrifugeProtobuf.emulationRequest(payload) : CentrifugeJSON.emulationRequest(payload)
        guard let request, self.shared.emulation.isPlausible(request) else {
            let refusal = HTTPRefusal(.badRequest, "The body is no request for emulation.")
            return self.refuse(slot, head, bytes, refusal, "bad_request")
        }
        let answer = RelayedRequest(
            fields: self.shared.cors.fields(head, in: bytes), keepsAlive: self.keepsAlive(slot, head))
        self.take(slot, request, answer)
    }

    private func take(_ slot: Int32, _ request: EmulationRequest, _ answer: RelayedRequest) {
        let (id, mailbox) = (self.reactor.id(of: slot), self.shard.mailbox)
        let outcome = self.shared.emulation.take(request) { result in
            mailbox.post(control: .completed(id, ticket: 0, .relayed(result)))
        }
        switch outcome {
        case .delivered: return self.accepted(slot, answer)
        case .unknown: return self.refuse(slot, HTTPRefusal(.notFound, "The node is not known."), answer)
        case .sent: break
        }
        self.withExtras(slot).relayed = answer
        self.connections[Int(slot)].stage = .relaying
        self.reactor.pauseReading(slot)
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
    }

    func relayed(_ slot: Int32, _ result: Result<Bool, BusError>) {
        guard self.connections[Int(slot)].stage == .relaying, let extras = self.existingExtras(slot),
            let answer = extras.relayed
        else { return }
        extras.relayed = nil
        switch result {
        case .success(true): self.accepted(slot, answer)
        case .success(false): self.refuse(slot, HTTPRefusal(.notFound, "The node is not known."), answer)
        case .failure: self.refuse(slot, HTTPRefusal(.internalError, "The node cannot be reached."), answer)
        }
        self.reactor.resumeReading(slot)
    }

    private func accepted(_ slot: Int32, _ answer: RelayedRequest) {
        let keepsAlive = answer.keepsAlive
        self.reactor.send(HTTPResponse.noContent(fields: answer.fields, keepsAlive: keepsAlive), to: slot)
        self.answered(slot, keepsAlive: keepsAlive)
    }

    private func refuse(_ slot: Int32, _ refusal: HTTPRefusal, _ answer: RelayedRequest) {
        let keepsAlive = answer.keepsAlive
        self.reactor.send(HTTPResponse.refusal(refusal, fields: answer.fields, keepsAlive: keepsAlive), to: slot)
        self.answered(slot, keepsAlive: keepsAlive)
    }
}
