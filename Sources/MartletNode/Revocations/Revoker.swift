// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletBus
import MartletCore
import MartletHub
import MartletKafka
import MartletProtocol

/// The one way in which a node ends sessions by its own doing: what the API is asked, what an identity provider says
/// over HTTP, and what validation finds dead.
///
/// The log first, and only what it has acknowledged is applied and answered for; so what is said to be durable is.
final class Revoker: Sendable {
    /// What keeps revocations for nodes that start later.
    enum Log: Sendable {
        case kafka(KafkaProducer, topic: String)
        case redis(RedisRevocationLog)
        /// This node alone, which nobody shares a Redis with.
        case none
    }

    /// Sessions found dead that wait to be written to the log.
    private static let findingsMax = 65_536
    /// Of those, written at the same time.
    private static let findingsAtOnce = 64

    private let log: Log
    private let intake: InvalidationIntake
    private let bus: any Bus
    private let logger: Logger
    private let findings = AsyncStream.makeStream(
        of: Invalidation.self, bufferingPolicy: .bufferingOldest(Revoker.findingsMax))
    private let complaints = LogPace(seconds: 10)

    init(log: Log, intake: InvalidationIntake, bus: any Bus, logger: Logger) {
        self.log = log
        self.intake = intake
        self.bus = bus
        self.logger = logger
    }

    /// Answers when the log has it and this node applied it; the others follow by themselves. Where it throws, nothing
    /// was applied here, though the log may have it all the same, as always when an acknowledgement is lost.
    func revoke(_ invalidation: Invalidation) async throws(APIError) -> RevocationReceipt {
        if case .none = self.log {
            self.intake.take(invalidation)
            return RevocationReceipt(id: invalidation.id, isDurable: false)
        }
        let position = try await self.append(invalidation)
        // It comes back to this node too, but there is no reason to wait for it.
        self.intake.take(invalidation, at: position, isOwn: true)
        return RevocationReceipt(id: invalidation.id, isDurable: true, position: position)
    }

    /// Ends a session that was found dead: here at once, elsewhere by the bus, and for later by the log, as soon as those
    /// carry; where they do not, whoever meets the session again finds it dead again.
    func found(_ invalidation: Invalidation) {
        self.intake.take(invalidation)
        if case .none = self.log { return }
        self.bus.broadcast(ControlMessage.invalidation(invalidation).json) { _ in }
        if case .dropped = self.findings.continuation.yield(invalidation) { self.complain("too many wait") }
    }

    /// Writes what was found dead to the log, until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await invalidation in self.findings.stream {
                if running == Self.findingsAtOnce { await group.next() } else { running += 1 }
                group.addTask { await self.keep(invalidation) }
            }
        }
    }

    private func keep(_ invalidation: Invalidation) async {
        do throws(APIError) {
            _ = try await self.append(invalidation)
        } catch {
            self.complain(error.message)
        }
    }

    /// Where the log keeps it; nil where it does not say.
    private func append(_ invalidation: Invalidation) async throws(APIError) -> EventPosition? {
        switch self.log {
        case .none: return nil
        case .kafka(let producer, let topic):
            do throws(KafkaError) {
                let receipt = try await producer.produce(
                    topic: topic, key: Array(invalidation.target.key.utf8),
                    value: InvalidationEncoder.martlet(invalidation))
                return receipt.offset.map {
                    .kafka(topic: receipt.topic, partition: receipt.partition, offset: $0)
                }
            } catch {
                throw Self.error("\(error)")
            }
        case .redis(let log):
            do throws(BusError) {
                return .redis(try await log.append(ControlMessage.invalidation(invalidation).json))
            } catch {
                throw Self.error("\(error)")
            }
        }
    }

    private static func error(_ why: String) -> APIError {
        APIError(code: CentrifugeError.internalError.code, message: "not revoked: \(why)")
    }

    private func complain(_ why: String) {
        guard self.complaints.isDue() else { return }
        self.logger.warning(
            "sessions found dead are not kept for nodes that start later", metadata: ["reason": "\(why)"])
    }
}

extension Invalidation.Target {
    /// Events of one target stay in one partition, and so in order.
    var key: String {
        switch self {
        case .session(let session): "session:\(session)"
        case .user(let user, _): "user:\(user)"
        case .token(let token): "token:\(token)"
        case .claim(let name, let value, _): "claim:\(name):\(value)"
        }
    }
}
