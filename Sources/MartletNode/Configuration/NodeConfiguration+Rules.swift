// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletBus
package import MartletCore
import MartletHub
package import MartletPolicy
import MartletProtocol
package import MartletSessions

// MARK: - What follows from what was written

extension NodeConfiguration {
    package var listensBeyondLoopback: Bool {
        !self.listen.publicAddress.isLoopback || !self.listen.internalAddress.isLoopback
    }

    /// Nothing says who may do what, and nobody but this machine can come: anonymous clients with full rights, an API
    /// without a key, console and demo. Only loopback `Host` and `Origin` values are admitted then.
    package var isDevelopment: Bool {
        !self.hasAuthentication && self.api.keys.isEmpty && self.auth.anonymous == nil && self.api.enabled
            && !self.listensBeyondLoopback
    }

    /// Whether something says who a client is: keys to verify tokens by, or a back-end that is asked.
    package var hasAuthentication: Bool { self.auth.hasKeys || self.proxy.answers(.connect) }

    package var admitsAnonymous: Bool { self.auth.anonymous ?? self.isDevelopment }

    package var consoleEnabled: Bool { self.console.enabled ?? self.isDevelopment }
    package var demoEnabled: Bool { self.demo.enabled ?? self.isDevelopment }
    package var hasRevocationSource: Bool { self.kafka.isConfigured || self.receivers.isEnabled }
    package var unboundedTokens: UnboundedTokens {
        self.sessions.unboundedTokens ?? (self.hasRevocationSource ? .refuse : .allow)
    }

    package var nodeName: String { self.name ?? ProcessInfo.processInfo.hostName }

    /// Where clients reach the node, as far as it can know.
    package var nodeAddress: String {
        if let address { return address }
        let listens = self.listen.publicAddress
        let isAny = ["0.0.0.0", "::"].contains(listens.host)
        return isAny ? "\(ProcessInfo.processInfo.hostName):\(listens.port)" : "\(listens)"
    }

    package var desiredNodes: DesiredNodes {
        DesiredNodes(
            utilization: self.scaling.utilization, utilizationLost: self.scaling.utilizationLost,
            spare: self.scaling.spareNodes)
    }

    /// What a namespace's options are before anything is written about it.
    package var namespaceDefaults: NamespaceOptions {
        self.isDevelopment ? NamespaceOptions(subscribe: .anonymous, publish: .anonymous) : NamespaceOptions()
    }

    /// In development mode every namespace exists; otherwise one that is not listed is refused.
    package var namespaceTable: NamespaceTable {
        guard self.isDevelopment else { return NamespaceTable(self.namespaces) }
        // Of two with one name the first counts, which is the one that was written.
        return NamespaceTable(self.namespaces + self.demoNamespaces, unlisted: self.namespaceDefaults)
    }

    /// The demo's rooms and private conversations, where nobody has written a configuration for it.
    private var demoNamespaces: [NamespaceOptions] {
        ["room", "dm"].map { name in
            var options = self.namespaceDefaults
            options.name = name
            options.historySize = 100
            options.historyTTL = .seconds(24 * 3_600)
            options.presence = true
            options.joinLeave = true
            return options
        }
    }
}

// MARK: - What cannot be

extension NodeConfiguration {
    /// Why a node must not start with this, each problem with what to write; empty where nothing is wrong.
    package func validate() -> [ConfigurationProblem] {
        self.accessProblems() + self.kafkaProblems() + self.kafkaSecurityProblems() + self.validationProblems()
            + self.namespaceProblems() + self.proxyProblems() + self.receiverProblems() + self.streamProblems()
            + self.otherProblems()
    }

    private func namespaceProblems() -> [ConfigurationProblem] {
        self.namespaces.filter { $0.forceJoinLeave && !$0.joinLeave }.map { options in
            let name = options.name.isEmpty ? "the entry without a name" : "namespace \(options.name)"
            return self.problem(
                "namespaces",
                "\(name) has force_join_leave without join_leave: nothing would be told; add join_leave: true")
        }
    }

    private func streamProblems() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if self.presence.leaseInterval * 2 > self.presence.leaseTTL {
            problems.append(
                self.problem(
                    "presence.lease_interval",
                    "presence.lease_interval is more than half of presence.lease_ttl: a lease would end by one delay"))
        }
        if self.streams.retryBase > self.streams.retryCeiling {
            problems.append(
                self.problem("streams.retry_base", "streams.retry_base is longer than streams.retry_ceiling"))
        }
        return problems
    }

    private func accessProblems() -> [ConfigurationProblem] {
        guard !self.isDevelopment else { return [] }
        var problems: [ConfigurationProblem] = []
        let beyond =
            self.listensBeyondLoopback
            ? "the node listens beyond loopback (\(self.addressesBeyondLoopback)), and " : ""
        if !self.hasAuthentication, self.auth.anonymous != true {
            problems.append(
                self.problem(
                    "auth.anonymous",
                    beyond + "no client could connect: add auth.hmac_secret, auth.public_keys, auth.jwks_url or "
                        + "proxy.connect.url, or say auth.anonymous: true"))
        }
        if self.api.enabled, self.api.keys.isEmpty {
            problems.append(
                self.problem("api.keys", beyond + "its API has no key: add api.keys, or say api.enabled: false"))
        }
        return problems
    }

    private var addressesBeyondLoopback: String {
        [("listen.public", self.listen.publicAddress), ("listen.internal", self.listen.internalAddress)]
            .filter { !$0.1.isLoopback }.map { "\($0.0): \($0.1)" }.joined(separator: ", ")
    }

    private func kafkaProblems() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if self.kafka.isConfigured, self.kafka.topics.isEmpty {
            problems.append(
                self.problem("kafka.brokers", "kafka.topics is missing: kafka.brokers alone reads nothing"))
        }
        if !self.kafka.isConfigured, !self.kafka.topics.isEmpty {
            problems.append(self.problem("kafka.topics", "kafka.brokers is missing: nobody serves kafka.topics"))
        }
        return problems + self.topicProblems()
    }

    private func otherProblems() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if self.redis.urls.count > 1 {
            problems.append(self.problem("redis.urls", "redis.urls has \(self.redis.urls.count) entries: name one"))
        }
        if self.listen.proxyProtocol == .required, self.listen.trustedProxies.isEmpty {
            problems.append(
                self.problem(
                    "listen.proxy_protocol",
                    "listen.trusted_proxies is missing: listen.proxy_protocol: required believes only those"))
        }
        let (open, shut) = (self.listen.publicAddress, self.listen.internalAddress)
        if open == shut, open.port != 0 {
            problems.append(
                self.problem("listen.internal", "listen.internal and listen.public are both \(open): give two ports"))
        }
        if self.personalChannels.enabled, let namespace = self.personalChannels.namespace,
            self.namespaceTable.options(of: "\(namespace):") == nil
        {
            problems.append(
                self.problem(
                    "personal_channels.namespace",
                    "personal_channels.namespace is \(namespace), which namespaces does not list: add an entry, or "
                        + "nobody could connect"))
        }
        if self.limits.commandsBurst < self.limits.commandsPerSecond {
            problems.append(
                self.problem(
                    "limits.commands_burst", "limits.commands_burst is below limits.commands_per_second: raise it"))
        }
        return problems
    }

    func problem(_ key: String, _ message: String) -> ConfigurationProblem {
        ConfigurationProblem(message, key: key, at: self.origins[key])
    }
}
