// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How the clients prove to the brokers who they are, and the brokers to them.
package struct KafkaSecurity: Sendable, Hashable {
    package enum Transport: String, CaseIterable, Sendable {
        case plaintext, tls
        case saslPlaintext = "sasl_plaintext"
        case saslTLS = "sasl_tls"

        package var isEncrypted: Bool { self == .tls || self == .saslTLS }
        package var isAuthenticated: Bool { self == .saslPlaintext || self == .saslTLS }

        /// As librdkafka calls it.
        fileprivate var property: String {
            switch self {
            case .plaintext: "plaintext"
            case .tls: "ssl"
            case .saslPlaintext: "sasl_plaintext"
            case .saslTLS: "sasl_ssl"
            }
        }
    }

    package enum Mechanism: String, CaseIterable, Sendable {
        case plain = "PLAIN"
        case scramSHA256 = "SCRAM-SHA-256"
        case scramSHA512 = "SCRAM-SHA-512"
        case oauthBearer = "OAUTHBEARER"
    }

    /// Where tokens for OAUTHBEARER come from: the client credentials grant of an OpenID provider.
    package struct OpenID: Sendable, Hashable {
        package var tokenURL: String?
        package var clientID: String?
        package var clientSecret: String?
        package var scope: String?

        package init() {}
    }

    package var transport = Transport.plaintext
    package var mechanism: Mechanism?
    package var username: String?
    package var password: String?
    package var openID = OpenID()
    /// Paths of PEM files: the authorities whose brokers are believed (those of the system where absent), and what this
    /// node shows of itself.
    package var authorityFile: String?
    package var certificateFile: String?
    package var keyFile: String?
    package var keyPassword: String?

    package init() {}

    /// What it is in librdkafka's names. Nothing where nothing was said, so that `properties` may say it all.
    package var properties: [(name: String, value: String)] {
        var properties: [(name: String, value: String)] = []
        func set(_ name: String, _ value: String?) {
            if let value { properties.append((name: name, value: value)) }
        }
        if self.transport != .plaintext { set("security.protocol", self.transport.property) }
        if self.transport.isEncrypted {
            // A certificate of another host than the one that was asked is none.
            set("ssl.endpoint.identification.algorithm", "https")
            set("ssl.ca.location", self.authorityFile)
            set("ssl.certificate.location", self.certificateFile)
            set("ssl.key.location", self.keyFile)
            set("ssl.key.password", self.keyPassword)
        }
        guard self.transport.isAuthenticated else { return properties }
        set("sasl.mechanisms", self.mechanism?.rawValue)
        if self.mechanism == .oauthBearer {
            set("sasl.oauthbearer.method", "oidc")
            set("sasl.oauthbearer.token.endpoint.url", self.openID.tokenURL)
            set("sasl.oauthbearer.client.id", self.openID.clientID)
            set("sasl.oauthbearer.client.secret", self.openID.clientSecret)
            set("sasl.oauthbearer.scope", self.openID.scope)
        } else {
            set("sasl.username", self.username)
            set("sasl.password", self.password)
        }
        return properties
    }
}
