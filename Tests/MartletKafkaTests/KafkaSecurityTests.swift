// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MartletInstruments
import Testing

@testable import MartletKafka

@Suite("How brokers and clients prove who they are")
struct KafkaSecurityTests {
    private static func security(_ change: (inout KafkaSecurity) -> Void) -> KafkaSecurity {
        var security = KafkaSecurity()
        change(&security)
        return security
    }

    private static func named(_ security: KafkaSecurity) -> [String: String] {
        Dictionary(uniqueKeysWithValues: security.properties.map { ($0.name, $0.value) })
    }

    private static let password: [KafkaSecurity.Mechanism] = [.plain, .scramSHA256, .scramSHA512]

    @Test func nothingIsSaidWhereNothingWas() {
        #expect(KafkaSecurity().properties.isEmpty)
        // What has no effect is not said either.
        let idle = Self.security { security in
            security.mechanism = .plain
            security.username = "u"
            security.authorityFile = "/ca.pem"
        }
        #expect(idle.properties.isEmpty)
    }

    @Test func certificatesInLibrdkafkasNames() {
        let security = Self.security { security in
            security.transport = .tls
            security.authorityFile = "/ca.pem"
            security.certificateFile = "/cert.pem"
            security.keyFile = "/key.pem"
            security.keyPassword = "open"
            security.password = "not for TLS alone"
        }
        #expect(
            Self.named(security) == [
                "security.protocol": "ssl", "ssl.endpoint.identification.algorithm": "https",
                "ssl.ca.location": "/ca.pem", "ssl.certificate.location": "/cert.pem", "ssl.key.location": "/key.pem",
                "ssl.key.password": "open",
            ])
    }

    @Test(arguments: Self.password) func passwordsInLibrdkafkasNames(mechanism: KafkaSecurity.Mechanism) {
        let security = Self.security { security in
            security.transport = .saslPlaintext
            security.mechanism = mechanism
            security.username = "martlet"
            security.password = "s,e=c\"ret"
        }
        #expect(
            Self.named(security) == [
                "security.protocol": "sasl_plaintext", "sasl.mechanisms": mechanism.rawValue,
                "sasl.username": "martlet", "sasl.password": "s,e=c\"ret",
            ])
    }

    private static let openID = Self.security { security in
        security.transport = .saslTLS
        security.mechanism = .oauthBearer
        security.openID.tokenURL = "https://id.example.com/token"
        security.openID.clientID = "martlet"
        security.openID.clientSecret = "secret"
        security.openID.scope = "kafka"
        security.username = "not for tokens"
    }

    @Test func anOpenIDProviderInLibrdkafkasNames() {
        #expect(
            Self.named(Self.openID) == [
                "security.protocol": "sasl_ssl", "ssl.endpoint.identification.algorithm": "https",
                "sasl.mechanisms": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.token.endpoint.url": "https://id.example.com/token",
                "sasl.oauthbearer.client.id": "martlet", "sasl.oauthbearer.client.secret": "secret",
                "sasl.oauthbearer.scope": "kafka",
            ])
    }

    @Test func furtherPropertiesWinAndInvariantsWinOverThem() {
        var configuration = KafkaConfiguration(brokers: ["b:1"], topics: ["t"])
        configuration.security.transport = .tls
        configuration.properties = ["security.protocol": "plaintext", "auto.offset.reset": "latest", "acks": "0"]
        for properties in [configuration.consumerProperties, configuration.producerProperties] {
            #expect(properties.last { $0.name == "security.protocol" }?.value == "plaintext")
        }
        #expect(configuration.consumerProperties.last { $0.name == "auto.offset.reset" }?.value == "error")
        #expect(configuration.producerProperties.last { $0.name == "acks" }?.value == "all")
    }

    private static let accepted: [KafkaSecurity] =
        Self.password.flatMap { mechanism in
            [KafkaSecurity.Transport.saslPlaintext, .saslTLS].map { transport in
                Self.security { security in
                    security.transport = transport
                    security.mechanism = mechanism
                    security.username = "martlet"
                    security.password = "secret"
                }
            }
        } + [Self.security { $0.transport = .tls }]

    @Test(arguments: Self.accepted) func librdkafkaAcceptsIt(security: KafkaSecurity) async throws {
        try await Self.makeClients(security)
    }

    /// A library built without curl has no OpenID, and says so.
    @Test func librdkafkaAcceptsAnOpenIDProviderOrSaysThatItHasNone() async throws {
        do {
            try await Self.makeClients(Self.openID)
        } catch let error as KafkaError {
            #expect(error.code == .configuration && error.text.contains("oauthbearer"))
        }
    }

    @Test func aFileThatIsNotThereIsToldAtOnce() async throws {
        let security = Self.security { security in
            security.transport = .tls
            security.authorityFile = "/no/such/file.pem"
        }
        let error = await #expect(throws: KafkaError.self) { try await Self.makeClients(security) }
        #expect(error?.code == .configuration && error?.text.contains("ssl.ca.location") == true)
    }

    private static func makeClients(_ security: KafkaSecurity) async throws {
        var configuration = KafkaConfiguration(brokers: ["127.0.0.1:1"], topics: ["t"])
        configuration.security = security
        let consumer = try KafkaConsumer(
            configuration: configuration, delegate: Recorder(), metrics: MetricsRegistry(), logger: .quiet)
        let producer = try KafkaProducer(configuration: configuration, metrics: MetricsRegistry(), logger: .quiet)
        await consumer.stop()
        await producer.stop()
    }
}
