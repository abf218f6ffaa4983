// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol

/// What is wrong with topics and receivers that could not do what they are for.
extension NodeConfiguration {
    func topicProblems() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        let names = self.kafka.topics.map(\.name)
        if Set(names).count < names.count {
            problems.append(self.problem("kafka.topics", "kafka.topics names a topic twice"))
        }
        for topic in self.kafka.topics {
            let origin = self.origins[Self.origin(of: topic)] ?? self.origins["kafka.topics"]
            problems += self.objections(to: topic).map {
                ConfigurationProblem("topic \(topic.name) \($0)", key: "kafka.topics", at: origin)
            }
        }
        if let name = self.kafka.revokeTopic, let topic = self.kafka.topics.first(where: { $0.name == name }),
            topic.format != .martlet
        {
            problems.append(
                self.problem(
                    "kafka.revoke_topic",
                    "kafka.revoke_topic is \(name), whose format is \(topic.format.rawValue): revocations are written "
                        + "as martlet events"))
        }
        return problems
    }

    /// Where an entry of `kafka.topics` was written.
    static func origin(of topic: Kafka.Topic) -> String { "kafka.topics.\(topic.name)" }

    private func objections(to topic: Kafka.Topic) -> [String] {
        var objections: [String] = []
        let format = topic.format.rawValue
        if topic.format.tokenKind == nil {
            if !topic.tokens.isEmpty || topic.verification != .lenient {
                objections.append(
                    "has issuer, audience, jwks_url, public_keys or verify, which format \(format) does not know: "
                        + "they are of set and logout-token")
            }
        } else if !topic.tokens.hasKeys, !self.auth.hasKeys {
            objections.append("has no keys to know its tokens by: add jwks_url or public_keys, or those of auth")
        }
        if topic.format != .sessionTable {
            if topic.field != nil || !topic.values.isEmpty || topic.keyField != nil {
                objections.append(
                    "has field, values or key_field, which format \(format) does not know: they are of session-table")
            }
        } else if (topic.field == nil) != topic.values.isEmpty {
            objections.append(
                topic.field == nil
                    ? "has values without field: say where they stand"
                    : "has field without values: say which end a session")
        }
        if let deadLetter = topic.deadLetter, self.kafka.topics.contains(where: { $0.name == deadLetter }) {
            objections.append("has dead_letter \(deadLetter), which is read itself: name a topic that is not")
        }
        return objections
    }

    // MARK: - Receivers

    func receiverProblems() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        for (name, receiver) in [
            ("security_events", self.receivers.securityEvents), ("logout", self.receivers.logout),
        ] where receiver.isEnabled {
            let key = "receivers.\(name)"
            func miss(_ text: String) { problems.append(self.problem("\(key).enabled", text)) }
            if !receiver.tokens.hasKeys, !self.auth.hasKeys {
                miss("\(key).jwks_url is missing: tokens are known by their issuer's keys, or those of auth")
            }
            if receiver.tokens.issuer ?? self.auth.issuer == nil {
                miss("\(key).issuer is missing, and so is auth.issuer: say whose tokens end sessions")
            }
            if receiver.tokens.audiences.isEmpty, self.auth.audience == nil {
                miss(
                    "\(key).audience is missing, and so is auth.audience: tokens for others must not end sessions here")
            }
        }
        if let address = self.receivers.address {
            if !self.receivers.isEnabled {
                problems.append(
                    self.problem(
                        "receivers.listen",
                        "receivers.listen serves nothing: enable receivers.security_events or receivers.logout"))
            }
            let others = [self.listen.publicAddress, self.listen.internalAddress]
            if address.port != 0, others.contains(address) {
                problems.append(
                    self.problem("receivers.listen", "receivers.listen is \(address), where another listener is"))
            }
        }
        return problems
    }
}
