// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// Does what a request of the API asks, whatever way it came: bytes in, an answer out.
struct APIHandler: Sendable {
    /// Publications of one broadcast, or commands of one parallel batch, that are under way at the same time.
    private static let concurrencyMax = 64

    let operations: any NodeOperations

    func perform(_ method: APIMethod, _ body: [UInt8]) async throws(APIError) -> APIReply {
        if method == .batch { return try await self.batch(body) }
        let result = try await self.result(try APICommand(method, body))
        return APIReply(body: APIAnswer.result(result), error: result.error)
    }

    /// The old form of a request: one command or several, each answered on a line of its own.
    func perform(old body: [UInt8]) async throws(APIError) -> APIReply {
        var reply = APIReply(body: [])
        for command in try APIOldCommand.read(body.span) {
            if !reply.body.isEmpty { reply.body.append(UInt8(ascii: "\n")) }
            do throws(APIError) {
                guard let method = command.method else { throw APIError(.methodNotFound) }
                let answer = try await self.perform(method, command.body)
                reply.body += APIAnswer.numbered(answer.body, id: command.id)
                reply.error = reply.error ?? answer.error
            } catch {
                reply.body += APIAnswer.numbered(APIAnswer.error(error), id: command.id)
                reply.error = reply.error ?? error
            }
        }
        return reply
    }

    /// `{"user", "session"}`: who the token is to speak for.
    func demoToken(_ body: [UInt8]) throws(APIError) -> APIReply {
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
        return APIReply(body: APIAnswer.result(writer.bytes))
    }

    private func result(_ command: APICommand) async throws(APIError) -> APIResult {
        guard case .broadcast(let request) = command else { return try await self.operations.perform(command) }
        let outcomes = await Self.map(request.channels, concurrency: Self.concurrencyMax) { channel in
            await self.outcome(.publish(APIRequest.Publish(channel: channel, message: request.message)))
        }
        return .broadcast(
            outcomes.map { outcome in
                outcome.flatMap { result in
                    if case .publish(let position) = result { .success(position) } else { .success(nil) }
                }
            })
    }

    private func outcome(_ command: APICommand) async -> Result<APIResult, APIError> {
        do throws(APIError) { return .success(try await self.result(command)) } catch { return .failure(error) }
    }

    private func batch(_ body: [UInt8]) async throws(APIError) -> APIReply {
        let batch = try APIRequest.Batch(body.span)
        let concurrency = batch.isParallel ? Self.concurrencyMax : 1
        let outcomes = await Self.map(batch.commands, concurrency: concurrency) { command in
            do throws(APIError) {
                guard let method = command.method else { throw APIError(.methodNotFound) }
                return await self.outcome(try APICommand(method, command.body))
            } catch {
                return Result<APIResult, APIError>.failure(error)
            }
        }
        let replies = zip(batch.commands, outcomes).map { (method: $0.method, outcome: $1) }
        return APIReply(body: APIAnswer.batch(replies))
    }

    /// The outcome for each element, in their order; so many at a time, begun in their order.
    private static func map<Element: Sendable, Outcome: Sendable>(
        _ elements: [Element], concurrency: Int, _ perform: @escaping @Sendable (Element) async -> Outcome
    ) async -> [Outcome] {
        await withTaskGroup(of: (Int, Outcome).self) { group in
            var outcomes: [Int: Outcome] = [:]
            for (index, element) in elements.enumerated() {
                if index >= concurrency, let (done, outcome) = await group.next() { outcomes[done] = outcome }
                group.addTask { (index, await perform(element)) }
            }
            for await (done, outcome) in group { outcomes[done] = outcome }
            return elements.indices.compactMap { outcomes[$0] }
        }
    }
}
