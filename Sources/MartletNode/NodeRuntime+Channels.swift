// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletCore
import MartletHub
import MartletProtocol

/// What the API does with channels: through the bus, which knows of all nodes' publications and subscribers.
extension NodeRuntime {
    func publish(_ request: APIRequest.Publish) async throws(APIError) -> StreamPosition? {
        let namespace = try self.namespace(of: request.channel)
        let message = request.message
        let payload = try message.payload(for: namespace.data)
        guard payload.bytes.count + (message.tags?.count ?? 0) <= self.configuration.limits.publicationBytesMax else {
            throw APIError(.limitExceeded)
        }
        var publication = Publication(channel: request.channel, payload, time: Clock.wall)
        publication.tags = message.tags
        var options = PublishOptions(history: message.skipsHistory ? nil : namespace.history)
        options.idempotencyKey = message.idempotencyKey
        options.version = message.version
        options.versionEpoch = message.versionEpoch
        return try await Self.outcome { [bus, options, publication] completion in
            bus.publish(publication, options, completion: completion)
        }
    }

    func presence(of channel: String) async throws(APIError) -> [String: [UInt8]] {
        guard try self.namespace(of: channel).presence else { throw APIError(.notAvailable) }
        let entries = try await Self.outcome { [bus] in bus.presence(channel, completion: $0) }
        return Dictionary(entries.map { ($0.client, $0.info) }) { first, _ in first }
    }

    func presenceStats(of channel: String) async throws(APIError) -> PresenceStats {
        guard try self.namespace(of: channel).presence else { throw APIError(.notAvailable) }
        return try await Self.outcome { [bus] in bus.presenceStats(channel, completion: $0) }
    }

    func history(_ request: APIRequest.History) async throws(APIError) -> HistoryPage {
        guard let history = try self.namespace(of: request.channel).history else { throw APIError(.notAvailable) }
        let query = HistoryQuery(
            since: request.since, limit: request.limit, isReverse: request.isReverse, history: history)
        let page = try await Self.outcome { [bus] in bus.history(request.channel, query, completion: $0) }
        if let since = request.since, !since.epoch.isEmpty, since.epoch != page.top.epoch {
            throw APIError(.unrecoverablePosition)
        }
        return page
    }

    func removeHistory(of channel: String) async throws(APIError) {
        guard try self.namespace(of: channel).history != nil else { throw APIError(.notAvailable) }
        let error = await withCheckedContinuation { continuation in
            self.bus.removeHistory(channel) { continuation.resume(returning: $0) }
        }
        if let error { throw Self.error(error) }
    }

    func namespace(of channel: String) throws(APIError) -> NamespaceOptions {
        guard ChannelName.isValid(channel, bytesMax: self.configuration.limits.channelBytesMax) else {
            throw .badRequest("the channel's name is not valid")
        }
        guard let options = self.options(of: channel) else {
            throw APIError(.unknownChannel)
        }
        return options
    }

    static func error(_ error: BusError) -> APIError {
        APIError(code: CentrifugeError.internalError.code, message: "\(error)")
    }

    /// What the bus answers to what `ask` asks it.
    private static func outcome<Value: Sendable>(
        _ ask: (@escaping @Sendable (Result<Value, BusError>) -> Void) -> Void
    ) async throws(APIError) -> Value {
        let result = await withCheckedContinuation { continuation in
            ask { continuation.resume(returning: $0) }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw Self.error(error)
        }
    }
}
