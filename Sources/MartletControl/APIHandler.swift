// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// Does what a request of the API asks, whatever way it came: bytes in, bytes out.
struct APIHandler: Sendable {
    /// Publications of one broadcast that wait for the bus at the same time.
    private static let broadcastConcurrency = 64

    let operations: any NodeOperations

    /// - Returns: The whole answer, JSON on one line.
    func perform(_ method: APIMethod, _ body: [UInt8]) async throws(APIError) -> [UInt8] {
        switch method {
        case .publish:
            let request = try APIRequest.Publish(body.span)
            try await self.operations.publish(channel: request.channel, data: request.data)
            return APIAnswer.done
        case .broadcast:
            return APIAnswer.broadcast(await self.broadcast(try APIRequest.Broadcast(body.span)))
        case .disconnect:
            try await self.operations.disconnect(try APIRequest.Disconnect(body.span))
            return APIAnswer.done
        case .revoke:
            return APIAnswer.revoked(try await self.operations.revoke(try APIRequest.Revoke(body.span)))
        case .info:
            return APIAnswer.info(try await self.operations.info())
        }
    }

    /// The old form of a request: `{"method", "params"}`.
    func perform(command body: [UInt8]) async throws(APIError) -> [UInt8] {
        let text = body.span
        guard let document = JSONScanner.document(text), document.kind == .object else {
            throw .badRequest("the body is not an object")
        }
        var (name, params) = ("", Array("{}".utf8))
        var members = document.members
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "method": name = member.value.string(in: text) ?? ""
            case "params" where !member.value.isNull: params = member.value.raw(in: text)
            default: break
            }
        }
        guard let method = APIMethod(rawValue: name) else { throw APIError(.methodNotFound) }
        return try await self.perform(method, params)
    }

    /// `{"user", "session"}`: who the token is to speak for.
    func demoToken(_ body: [UInt8]) throws(APIError) -> [UInt8] {
        let text = body.span
        guard let document = JSONScanner.document(text) else { throw .badRequest("the body is not JSON") }
        var (user, session) = ("", "")
        var members = document.members
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "user": user = member.value.string(in: text) ?? ""
            case "session": session = member.value.string(in: text) ?? ""
            default: break
            }
        }
        guard 1...256 ~= user.utf8.count, 1...256 ~= session.utf8.count else {
            throw .badRequest("user and session are strings of 1 to 256 bytes")
        }
        guard let token = self.operations.demoToken(user: user, session: session) else {
            throw APIError(.notAvailable)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("token", token)
        writer.endObject()
        return APIAnswer.result(writer.bytes)
    }

    private func broadcast(_ request: APIRequest.Broadcast) async -> [APIError?] {
        await withTaskGroup(of: (Int, APIError?).self) { group in
            var outcomes: [APIError?] = Array(repeating: nil, count: request.channels.count)
            for (index, channel) in request.channels.enumerated() {
                if index >= Self.broadcastConcurrency, let (done, error) = await group.next() { outcomes[done] = error }
                group.addTask {
                    do throws(APIError) {
                        try await self.operations.publish(channel: channel, data: request.data)
                        return (index, nil)
                    } catch {
                        return (index, error)
                    }
                }
            }
            for await (done, error) in group { outcomes[done] = error }
            return outcomes
        }
    }
}
