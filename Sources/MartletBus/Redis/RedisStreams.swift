// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import MartletRedis

/// How streams are asked of Redis, and what its answers mean. It holds nothing, and is used from any thread.
struct RedisStreams: Sendable {
    typealias Completion<Value> = @Sendable (Result<Value, BusError>) -> Void

    private static let unreadable = BusError.refused("an answer that cannot be read")

    let names: RedisNames
    let commands: RedisCommandConnection
    let metrics: RedisBusMetrics
    let readBytesMax: Int

    /// Publishes where more is to be done than publishing.
    func publish(
        _ publication: Publication, _ history: HistoryOptions?, _ options: PublishOptions,
        completion: @escaping Completion<StreamPosition?>
    ) {
        let channel = publication.channel
        let name = self.names.publications(of: channel)
        let once = options.idempotencyKey.map { self.names.idempotency(of: channel, $0) }
        let window = Self.milliseconds(StreamRules.idempotencyWindow)
        let metrics = self.metrics
        let answer: RedisCommandConnection.Completion = { result in
            let result = result.mapError(BusError.init(redis:)).flatMap(Self.position)
            switch result {
            case .success: metrics.published.add()
            case .failure(let error): metrics.failed(error.redisFailure)
            }
            completion(result)
        }
        guard let history else {
            return self.commands.run(
                RedisScripts.publishOnce, keys: once.map { [$0] } ?? [],
                arguments: [.text(name), .bytes(Envelope.encode(publication)), window], completion: answer)
        }
        self.commands.run(
            RedisScripts.publish,
            keys: [self.names.position(of: channel), self.names.history(of: channel)] + (once.map { [$0] } ?? []),
            arguments: [
                .text(name), .bytes(Envelope.encode(publication)), .text(StreamRules.makeEpoch()),
                .text(String(history.size)), Self.milliseconds(min(history.ttl, StreamRules.ttlMax)),
                Self.milliseconds(StreamRules.positionTTL(history)),
                .text(options.version == 0 ? "" : Self.digits(options.version)), .text(options.versionEpoch), window,
            ],
            completion: answer)
    }

    func history(_ channel: String, _ query: HistoryQuery, completion: @escaping Completion<HistoryPage>) {
        let (command, from, to) = Self.range(query)
        let metrics = self.metrics
        self.commands.run(
            RedisScripts.history, keys: [self.names.position(of: channel), self.names.history(of: channel)],
            arguments: [
                .text(StreamRules.makeEpoch()), Self.milliseconds(StreamRules.positionTTL(query.history)),
                .text(query.since?.epoch ?? ""), .text(command), .text(from), .text(to),
                .text(String(query.limit ?? -1)), .text(String(self.readBytesMax)),
            ]
        ) { result in
            let page = result.mapError(BusError.init(redis:)).flatMap { Self.page($0, channel: channel) }
            switch page {
            case .success: metrics.historyReads.add()
            case .failure(let error): metrics.readFailed(error.redisFailure)
            }
            completion(page)
        }
    }

    func removeHistory(_ channel: String, completion: @escaping @Sendable (BusError?) -> Void) {
        self.commands.send(["DEL", .text(self.names.history(of: channel))]) { completion(Self.error($0)) }
    }

    func renew(_ channel: String, from epoch: String, completion: @escaping @Sendable (BusError?) -> Void) {
        self.commands.run(
            RedisScripts.renew, keys: [self.names.position(of: channel), self.names.history(of: channel)],
            arguments: [.text(epoch), .text(StreamRules.makeEpoch())]
        ) { completion(Self.error($0)) }
    }

    // MARK: Questions

    /// The command and the identifiers between which a query's publications lie; no command where there can be none.
    private static func range(_ query: HistoryQuery) -> (command: String, from: String, to: String) {
        let none = ("", "", "")
        if let limit = query.limit, limit <= 0 { return none }
        guard let since = query.since else {
            return query.isReverse ? ("xrevrange", "+", "-") : ("xrange", "-", "+")
        }
        if query.isReverse { return since.offset < 2 ? none : ("xrevrange", "\(since.offset - 1)-0", "-") }
        return since.offset == .max ? none : ("xrange", "\(since.offset + 1)-0", "+")
    }

    private static func milliseconds(_ duration: Duration) -> RESPArgument {
        .text(String(max(1, duration.nanoseconds / 1_000_000)))
    }

    /// As many digits for each number, so that texts compare as numbers do.
    private static func digits(_ number: UInt64) -> String {
        let text = String(number)
        return String(repeating: "0", count: 20 - text.utf8.count) + text
    }

    // MARK: Answers

    private static func error(_ result: Result<RESPValue, RedisError>) -> BusError? {
        if case .failure(let error) = result { BusError(redis: error) } else { nil }
    }

    /// `offset:epoch`, or nothing for what has no position.
    private static func position(_ reply: RESPValue) -> Result<StreamPosition?, BusError> {
        guard let text = reply.text else { return .failure(Self.unreadable) }
        if text.isEmpty { return .success(nil) }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let offset = UInt64(parts[0]) else { return .failure(Self.unreadable) }
        return .success(StreamPosition(offset: offset, epoch: String(parts[1])))
    }

    private static func page(_ reply: RESPValue, channel: String) -> Result<HistoryPage, BusError> {
        guard case .array(let parts) = reply, parts.count >= 2, parts.count.isMultiple(of: 2),
            let epoch = parts[0].text, let top = parts[1].text.flatMap({ UInt64($0) })
        else { return .failure(Self.unreadable) }
        var page = HistoryPage(top: StreamPosition(offset: top, epoch: epoch))
        page.publications.reserveCapacity(parts.count / 2 - 1)
        for index in stride(from: 2, to: parts.count, by: 2) {
            guard let offset = parts[index].text?.split(separator: "-").first.flatMap({ UInt64($0) }),
                case .bytes(let envelope) = parts[index + 1],
                var publication = try? Envelope.decode(envelope, channel: channel)
            else { return .failure(Self.unreadable) }
            publication.offset = offset
            publication.epoch = epoch
            page.publications.append(publication)
        }
        return .success(page)
    }
}
