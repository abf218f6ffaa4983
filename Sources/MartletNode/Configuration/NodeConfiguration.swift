// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import MartletBus
package import MartletCore
package import MartletEdge
package import MartletHub
package import MartletKafka
package import MartletPolicy
import MartletProtocol
package import MartletSessions

/// Everything a node is told, with its defaults: those of a node that runs alone.
///
/// What each field means stands in `NodeConfiguration.keys`, from which files, environment and flags are read and
/// the reference is written.
package struct NodeConfiguration: Sendable {
    /// nil: the host's name.
    package var name: String?
    /// nil: see `NodeConfiguration.nodeAddress`.
    package var address: String?
    package var listen = Listen()
    package var redis = Redis()
    package var kafka = Kafka()
    package var auth = Auth()
    package var proxy = Proxy()
    package var receivers = Receivers()
    package var api = API()
    package var validation = Validation()
    package var sessions = Sessions()
    package var drain = Drain()
    package var rebalance = RebalanceConfiguration()
    package var slowStart = SlowStart()
    package var scaling = Scaling()
    package var limits = Limits()
    package var streams = StreamLimits()
    /// What is not a shard's of the same.
    package var streamReadBytesMax = 33_554_432
    package var presence = RedisPresenceLimits()
    package var reactor = Reactor()
    package var events = Events()
    package var personalChannels = PersonalChannels()
    package var transports = EdgeConfiguration.Transports()
    package var log = Log()
    package var console = Console()
    package var demo = Demo()
    package var namespaces: [NamespaceOptions] = []
    /// Where each key that was written was written.
    package var origins: [String: ConfigurationOrigin] = [:]

    package init() {}

    package struct Listen: Sendable {
        package var publicAddress = PeerAddress(v4: 0x7F00_0001, port: 8000)
        package var internalAddress = PeerAddress(v4: 0x7F00_0001, port: 9000)
        package var proxyProtocol = ProxyProtocolMode.off
        package var trustedProxies: [CIDR] = []
        /// `*` for any.
        package var origins = ["*"]
    }

    package enum ProxyProtocolMode: String, CaseIterable, Sendable {
        case off, required
    }

    package struct Redis: Sendable {
        /// Empty: the memory bus.
        package var urls: [String] = []
        package var prefix = "martlet"
    }

    package struct Kafka: Sendable {
        /// Empty: no Kafka.
        package var brokers: [String] = []
        package var topics: [Topic] = []
        package var start = Start.timestamp
        package var silenceMax: Duration = .seconds(10)
        package var lagMax = 10_000
        package var onUnavailable = Unavailable.wait
        package var startTimeout: Duration = .seconds(30)
        package var security = KafkaSecurity()
        package var properties: [String: String] = [:]
        private var revokeTopicName: String?

        /// Where a revocation that came over HTTP is produced to: the topic named, or the first of martlet events.
        package var revokeTopic: String? {
            get { self.revokeTopicName ?? self.topics.first { $0.format == .martlet }?.name }
            set { self.revokeTopicName = newValue }
        }
        package var isConfigured: Bool { !self.brokers.isEmpty }

        package enum Start: String, CaseIterable, Sendable {
            /// As far back as the longest token may live.
            case timestamp
            case earliest
        }

        /// What a node that starts does while Kafka gives it nothing.
        package enum Unavailable: String, CaseIterable, Sendable {
            /// Lets nobody in.
            case wait
            /// Serves without push, and catches up when Kafka comes.
            case serve
        }
    }

    package struct Auth: Sendable {
        package var hmacSecret: String?
        /// PEM texts; those that were written as the path of a file are read with the configuration.
        package var publicKeys: [String] = []
        package var jwksURL: String?
        package var jwksRefresh: Duration = .seconds(300)
        /// nil: as the mode says, see `NodeConfiguration.admitsAnonymous`.
        package var anonymous: Bool?
        package var audience: String?
        package var issuer: String?
        package var cookie: String?
        package var leeway: Duration = .seconds(60)

        package var hasKeys: Bool {
            self.hmacSecret != nil || !self.publicKeys.isEmpty || self.jwksURL != nil
        }
    }

    package struct API: Sendable {
        package var enabled = true
        package var keys: [String] = []
    }

    package struct Sessions: Sendable {
        package var tokenLifetimeMax: Duration = .seconds(86_400)
        /// nil: see `NodeConfiguration.unboundedTokens`.
        package var unboundedTokens: UnboundedTokens?
        package var indexedClaims: [String] = []
    }

    package struct Drain: Sendable {
        package var delay: Duration = .seconds(5)
        package var window: Duration = .seconds(20)
    }

    package struct SlowStart: Sendable {
        package var duration: Duration = .seconds(30)
        package var fraction = 0.2
    }

    package struct Scaling: Sendable {
        package var utilization = 0.7
        package var utilizationLost = 0.9
        package var spareNodes = 1
    }

    package struct Reactor: Sendable {
        /// nil: one per core.
        package var threads: Int?
    }

    package struct Events: Sendable {
        package var retry: Duration = .seconds(3)
        package var chunked = true
        package var padding = 0
    }

    package struct PersonalChannels: Sendable {
        package var enabled = false
        package var namespace: String?
    }

    package struct Log: Sendable {
        package var level = Logger.Level.info
        package var format = Format.text

        package enum Format: String, CaseIterable, Sendable {
            case text, json
        }
    }

    package struct Console: Sendable {
        /// nil: in development mode.
        package var enabled: Bool?
    }

    package struct Demo: Sendable {
        /// nil: in development mode.
        package var enabled: Bool?
    }
}
