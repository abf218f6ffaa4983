// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletControl
import MartletCore
import MartletInstruments
import MartletKafka
import MartletProtocol
import MartletSessions

/// Events of identity providers: what is delivered here, and what could not be read.
extension NodeRuntime {
    /// A token is judged once, by the node that it came to. What it says is then a revocation like any other, so that
    /// the others need no keys, and that replaying the token does no harm: it is dated when the token was issued.
    func take(_ token: String, _ kind: EventTokenKind) async -> EventTokenReceipt {
        let receipt = await self.receipt(for: token, kind)
        self.receiverMetrics.count(kind, receipt)
        if case .refused(let reason) = receipt { self.intake.refused(reason, ["delivered": "\(kind.rawValue)"]) }
        return receipt
    }

    private func receipt(for token: String, _ kind: EventTokenKind) async -> EventTokenReceipt {
        // No path leads to a kind that is not received.
        guard let verifier = self.events.receivers[kind] else { return .failed("not received here") }
        let claims: EventTokenClaims
        do throws(BadRecordReason) {
            claims = try await verifier.judge(delivered: token)
        } catch {
            return error == .keysUnavailable ? .failed("the issuer's keys are not available") : .refused(error)
        }
        guard let target = claims.target else { return .ignored }
        let request =
            switch target {
            case .session(let session): APIRequest.Revoke(target: .session(session), id: claims.id)
            case .token(let token): APIRequest.Revoke(target: .token(token), id: claims.id)
            case .user(let user): APIRequest.Revoke(target: .user(user), before: claims.issuedAt, id: claims.id)
            }
        do throws(APIError) {
            _ = try await self.revoke(request)
            return .accepted
        } catch {
            return .failed(error.message)
        }
    }

    /// Reads the topics, once what they have can be judged: a record is read once, and one that is refused for want of
    /// its issuer's keys would not be seen again.
    func consume(_ consumer: KafkaConsumer) async {
        let rings = self.events.strictRings.values
        while !rings.allSatisfy(\.isReady), !self.isServingAnyhow {
            for ring in rings { ring.refreshSoon() }
            guard (try? await Task.sleep(for: Self.keyPollInterval)) != nil else { break }
        }
        await consumer.run()
    }

    private static let keyPollInterval: Duration = .milliseconds(50)

    /// Whether it is time to let clients in without what only Kafka and the issuers of its events can tell.
    private var isServingAnyhow: Bool {
        let kafka = self.configuration.kafka
        return kafka.onUnavailable == .serve && self.startedAt.duration(to: .now) >= kafka.startTimeout
    }

    /// What must be known of the topics before the first client is let in, and what is told while it is not.
    func registerTopics(_ consumer: KafkaConsumer) {
        let kafka = self.configuration.kafka
        for (topic, ring) in self.events.strictRings {
            self.life.require(.catchingUp, "fetching the keys of topic \(topic)") { [weak self] in
                ring.isReady || self?.isServingAnyhow ?? true
            }
            self.life.watch { ring.isReady ? nil : "kafka: the keys of topic \(topic) were not fetched yet" }
        }
        self.life.require(.catchingUp, "reading the session topics") {
            // What still arrives is waited for; what does not come at all, only as long as is wished.
            consumer.isCaughtUp || kafka.onUnavailable == .serve && consumer.idleTime >= kafka.startTimeout
        }
        self.life.watch { if case .unhealthy(let why) = consumer.health { "kafka: \(why)" } else { nil } }
    }

    /// The listener of the receivers alone, where one is configured.
    var receiverConfiguration: ControlConfiguration? {
        guard let address = self.configuration.receivers.address else { return nil }
        var settings = ControlConfiguration()
        settings.host = address.host
        settings.port = Int(address.port)
        settings.apiEnabled = false
        settings.receivers = self.receivers
        settings.receivers.areAlone = true
        return settings
    }

    var receivers: ControlConfiguration.Receivers {
        var receivers = ControlConfiguration.Receivers()
        receivers.kinds = Set(self.events.receivers.keys)
        receivers.bearers = APIKeys(self.configuration.receivers.securityEvents.bearers)
        receivers.asksForBearer = !self.configuration.receivers.securityEvents.bearers.isEmpty
        return receivers
    }

    static func deadLetters(
        _ configuration: NodeConfiguration, _ producer: KafkaProducer?, _ cluster: Cluster, _ metrics: MetricsRegistry,
        _ logger: Logger
    ) -> DeadLetters? {
        guard let producer, configuration.kafka.topics.contains(where: { $0.deadLetter != nil }) else { return nil }
        return DeadLetters(
            node: configuration.nodeName, metrics: metrics, logger: logger,
            isResponsible: { [id = cluster.id, membership = cluster.membership] in
                let first = membership.seen().map(\.member.id).sorted().prefix(DeadLetters.copiesMax)
                return first.isEmpty || first.contains(id)
            },
            produce: { topic, key, value, headers throws(KafkaError) in
                _ = try await producer.produce(topic: topic, key: key, value: value, headers: headers)
            })
    }
}
