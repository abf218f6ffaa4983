// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletPolicy
import MartletProtocol
import MartletReactor
import MartletSessions
import MartletWire

/// JSON-RPC 2.0 on `/ws`: what each method does.
extension EdgeShard {
    /// Where the answer to one request goes: to the client, or into the array its batch is answered with.
    struct RPCAnswer {
        var id: [UInt8]?
        var batch: RPCBatch?
    }

    /// A batch some of whose answers wait for the bus.
    final class RPCBatch {
        var answers: [[UInt8]] = []
        var outstanding: Int

        init(outstanding: Int) { self.outstanding = outstanding }
    }

    func rpcMessage(_ slot: Int32, _ payload: Span<UInt8>) {
        switch JSONRPC.decode(payload) {
        case .invalid(let error):
            self.answer(slot, RPCAnswer(id: JSONRPC.nullID), .failure(error))
        case .single(let request):
            if self.mustWaitForKeys(slot, request) { return self.waitForKeys(slot, with: payload) }
            if self.mustWaitForAuthority(slot, request) { return self.keep(slot, payload) }
            self.call(slot, request, batch: nil)
        case .batch(let requests):
            // All of a batch waits with its connect.
            if requests.contains(where: { self.mustWaitForKeys(slot, $0) }) {
                return self.waitForKeys(slot, with: payload)
            }
            // Only the first connect of a batch can succeed, and so it alone is asked about.
            let connect = requests.first { if case .connect = $0.call { true } else { false } }
            if let connect, self.mustWaitForAuthority(slot, connect) { return self.keep(slot, payload) }
            let batch = RPCBatch(outstanding: requests.count)
            for request in requests where self.connections[Int(slot)].stage == .webSocket {
                self.call(slot, request, batch: batch)
            }
        }
    }

    private func call(_ slot: Int32, _ request: JSONRPCRequest, batch: RPCBatch?) {
        guard self.takeCommand(slot) else { return self.endWebSocket(slot, reason: .tooManyRequests) }
        let answer = RPCAnswer(id: request.id, batch: batch)
        switch request.call {
        case .invalid(let error): self.answer(slot, answer, .failure(error))
        case .ping: self.answer(slot, answer, .success(Self.done))
        case .connect(let token): self.rpcConnect(slot, token, answer)
        case .refresh(let token): self.rpcRefresh(slot, token, answer)
        case .subscribe, .unsubscribe, .publish, .history, .presence, .presenceStats, .refreshSubscription:
            guard self.isConnectedOrAnonymous(slot) else {
                return self.answer(slot, answer, .failure(JSONRPCError(.unauthorized)))
            }
            self.channelCall(slot, request.call, answer)
        }
    }

    static let done = Array("{}".utf8)

    func answer(_ slot: Int32, _ answer: RPCAnswer, _ result: Result<[UInt8], JSONRPCError>) {
        var text: [UInt8]?
        if let id = answer.id {
            switch result {
            case .success(let body): text = JSONRPC.result(id: id, body)
            case .failure(let error): text = JSONRPC.error(id: id, error)
            }
        }
        if let batch = answer.batch {
            if let text { batch.answers.append(text) }
            batch.outstanding -= 1
            guard batch.outstanding == 0, !batch.answers.isEmpty else { return }
            text = JSONRPC.batch(batch.answers)
        }
        if let text { self.reactor.send(WebSocketFrame.encode(.text, payload: text), to: slot) }
    }

    // MARK: - connect and refresh

    private func mustWaitForKeys(_ slot: Int32, _ request: JSONRPCRequest) -> Bool {
        // Only where keys can come late is a token looked at twice.
        guard self.shared.verifier.fetchesKeys, case .connect(let token) = request.call,
            !self.connections[Int(slot)].flags.contains(.connected), !self.hasWaitedForKeys(slot),
            case .keysNeeded = self.authenticate(token)
        else { return false }
        return true
    }

    private func mustWaitForAuthority(_ slot: Int32, _ request: JSONRPCRequest) -> Bool {
        guard self.shared.validation != nil, case .connect(let token) = request.call,
            !self.connections[Int(slot)].flags.contains(.connected),
            case .identity(let identity) = self.authenticate(token)
        else { return false }
        return self.waitsForAuthority(slot, identity)
    }

    private func rpcConnect(_ slot: Int32, _ token: String?, _ answer: RPCAnswer) {
        guard !self.connections[Int(slot)].flags.contains(.connected) else {
            return self.answer(slot, answer, .failure(.invalidRequest))
        }
        self.dropExtrasIfIdle(slot)
        switch self.authenticate(token) {
        case .expired: self.answer(slot, answer, .failure(JSONRPCError(.tokenExpired)))
        case .keysNeeded: self.answer(slot, answer, .failure(JSONRPCError(.internalError)))
        case .refused: self.endWebSocket(slot, reason: .invalidToken)
        case .missing: self.answer(slot, answer, .failure(JSONRPCError(.unauthorized)))
        case .anonymous: self.endWebSocket(slot, reason: .permissionDenied)
        case .identity(let identity) where self.isTurnedAway(slot, identity):
            self.endWebSocket(slot, reason: .validationUnavailable)
        case .identity(let identity):
            guard case .admit = self.enterUser(slot, identity) else {
                return self.endWebSocket(slot, reason: .connectionLimit)
            }
            switch self.rpcEnter(slot, identity) {
            case .revoked(let reason): self.endWebSocket(slot, reason: reason)
            case .belowFloor:
                self.withdraw(slot)
                self.answer(slot, answer, .failure(JSONRPCError(.tokenExpired)))
            case .clear:
                let result = JSONRPC.connectResult(
                    client: self.shared.clients.text(of: self.reactor.id(of: slot)),
                    version: self.shared.configuration.version, expiresIn: self.expiresIn(identity))
                self.answer(slot, answer, .success(result))
            }
        }
    }

    /// Lets an identity in; a plain WebSocket is pinged from then on.
    func rpcEnter(_ slot: Int32, _ identity: Identity) -> RevocationVerdict {
        let verdict = self.enter(slot, identity, .jsonRPC)
        if case .clear = verdict { self.startPings(slot) }
        return verdict
    }

    private func isConnectedOrAnonymous(_ slot: Int32) -> Bool {
        if self.connections[Int(slot)].flags.contains(.connected) { return true }
        guard self.shared.configuration.allowsAnonymous else { return false }
        if case .clear = self.rpcEnter(slot, Self.anonymous) { return true }
        return false
    }

    private func rpcRefresh(_ slot: Int32, _ token: String, _ answer: RPCAnswer) {
        guard self.connections[Int(slot)].flags.contains(.connected) else {
            return self.answer(slot, answer, .failure(JSONRPCError(.unauthorized)))
        }
        switch self.authenticate(token) {
        case .expired: self.answer(slot, answer, .failure(JSONRPCError(.tokenExpired)))
        case .keysNeeded:
            self.shared.requestKeys()
            self.answer(slot, answer, .failure(JSONRPCError(.internalError)))
        case .refused, .missing, .anonymous: self.endWebSocket(slot, reason: .invalidToken)
        case .identity(let identity):
            guard identity.user == self.shard.identity(of: slot)?.user else {
                return self.endWebSocket(slot, reason: .invalidToken)
            }
            switch self.refresh(slot, with: identity) {
            case .revoked(let reason): self.endWebSocket(slot, reason: reason)
            case .belowFloor: self.endWebSocket(slot, reason: .connectionExpired)
            case .clear:
                self.answer(slot, answer, .success(JSONRPC.refreshResult(expiresIn: self.expiresIn(identity))))
            }
        }
    }
}
