// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletHub
import MartletRedis

/// How the presence of a channel, of all nodes, is asked of Redis, and what its answers mean.
struct RedisPresenceReader: Sendable {
    private static let unreadable = BusError.refused("an answer that cannot be read")

    let names: RedisNames
    let commands: RedisCommandConnection
    let metrics: RedisBusMetrics
    let readBytesMax: Int

    func entries(_ channel: String, completion: @escaping @Sendable (Result<[PresenceEntry], BusError>) -> Void) {
        self.read(RedisScripts.presence, channel, completion) { reply in
            guard case .array(let parts) = reply, parts.count.isMultiple(of: 2) else { return nil }
            var entries: [PresenceEntry] = []
            entries.reserveCapacity(parts.count / 2)
            for index in stride(from: 0, to: parts.count, by: 2) {
                guard let client = parts[index].text, case .bytes(let info) = parts[index + 1] else { return nil }
                entries.append(PresenceEntry(client: client, info: info))
            }
            return entries
        }
    }

    func stats(_ channel: String, completion: @escaping @Sendable (Result<PresenceStats, BusError>) -> Void) {
        self.read(RedisScripts.presenceStats, channel, completion) { reply in
            guard case .array(let parts) = reply, parts.count == 2, case .integer(let clients) = parts[0],
                case .integer(let users) = parts[1]
            else { return nil }
            return PresenceStats(clients: Int(clients), users: Int(users))
        }
    }

    private func read<Value: Sendable>(
        _ script: RedisScript, _ channel: String, _ completion: @escaping @Sendable (Result<Value, BusError>) -> Void,
        decode: @escaping @Sendable (RESPValue) -> Value?
    ) {
        let metrics = self.metrics
        self.commands.run(
            script, keys: [self.names.presence(of: channel)],
            arguments: [.text(self.names.leasePrefix), .text(String(self.readBytesMax))]
        ) { result in
            let value = result.mapError(BusError.init(redis:)).flatMap { reply in
                decode(reply).map { .success($0) } ?? .failure(Self.unreadable)
            }
            if case .failure(let error) = value { metrics.readFailed(error.redisFailure) }
            completion(value)
        }
    }
}
