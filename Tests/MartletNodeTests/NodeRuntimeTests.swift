// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletControl
import MartletCore
import MartletEdge
import MartletInstruments
import MartletProtocol
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import MartletNode

@Suite("The parts of a node together", .serialized)
struct NodeRuntimeTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func configuration() throws -> NodeConfiguration {
        var configuration = NodeConfiguration()
        configuration.listen.publicAddress.port = UInt16(try FreePort.find())
        configuration.listen.internalAddress.port = 0
        configuration.reactor.threads = 2
        configuration.drain.delay = .milliseconds(50)
        configuration.drain.window = .milliseconds(300)
        return configuration
    }

    /// Runs a node around a test, and ends it as SIGTERM does; how long its end took.
    private static func run(
        _ configuration: NodeConfiguration, _ body: @Sendable (NodeRuntime) async throws -> Void
    ) async throws -> Duration {
        let runtime = try NodeRuntime(configuration, logger: Self.logger)
        let group = ServiceGroup(
            configuration: .init(services: runtime.services.map { .init(service: $0) }, logger: Self.logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            #expect(await eventually { runtime.readiness().isReady })
            try await body(runtime)
            let start = ContinuousClock.now
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return start.duration(to: .now)
        }
    }

    private static func nodes(_ runtime: NodeRuntime) async throws -> [NodeInfo] {
        guard case .info(let nodes, let reach) = try await runtime.perform(.info) else { return [] }
        #expect(reach.unanswered.isEmpty)
        return nodes
    }

    @Test func aNodeServesPublishesRevokesAndEnds() async throws {
        let configuration = try Self.configuration()
        let elapsed = try await Self.run(configuration) { runtime in
            let client = try LoopbackClient(port: configuration.listen.publicAddress.port)
            let token = runtime.demoToken(user: "ann", session: "s1") ?? ""
            try client.send(
                "GET /events?channel=a&access_token=\(token) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try client.take(through: ":subscribed\n")
            _ = try await runtime.perform(.publish(.init(channel: "a", message: .init(data: Array("1".utf8)))))
            _ = try client.take(through: #"data: {"channel":"a","data":1}"#)
            #expect(try await Self.nodes(runtime).first?.clients == 1)
            #expect(await eventually { runtime.overview().topChannels.first?.subscribers == 1 })
            let body = Array(#"{"session":"s1"}"#.utf8)
            _ = try await runtime.revoke(try APIRequest.Revoke(body.span))
            _ = try client.take(through: "event: disconnect\n")
            let again = try LoopbackClient(port: configuration.listen.publicAddress.port)
            try again.send("GET /events?channel=a&access_token=\(token) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try again.take(through: "\r\n").hasPrefix("HTTP/1.1 401"))
        }
        #expect(elapsed < .seconds(30))
    }

    @Test func aNodeDrainsWithoutEndingAndTakesItBack() async throws {
        var configuration = try Self.configuration()
        configuration.drain.delay = .zero
        let port = configuration.listen.publicAddress.port
        _ = try await Self.run(configuration) { runtime in
            let client = try LoopbackClient(port: port)
            try client.send("GET /events?channel=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try client.take(through: ":subscribed\n")
            guard case .drain(let begun) = try await runtime.perform(.drain(.init())) else { return }
            #expect(begun.phase != .none && begun.connectionsAtStart == 1)
            _ = try client.take(through: "retry: ")
            #expect(await eventually { runtime.departure.progress.phase == .drained })
            #expect(runtime.readiness().state == .draining)
            let refused = try LoopbackClient(port: port)
            try refused.send("GET /events?channel=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try String(decoding: refused.takeAll(), as: UTF8.self).contains("retry: "))
            // Named in full or in part, it is the same node.
            for name in [runtime.identifier, String(runtime.identifier.prefix(8)), runtime.configuration.nodeName] {
                guard case .drain(let again) = try await runtime.perform(.drain(.init(node: name))) else { return }
                #expect(again.node == runtime.identifier && again.phase == .drained && again.connections == 0)
            }
            await #expect(throws: APIError.self) { try await runtime.perform(.drain(.init(node: "nobody"))) }
            // Looking takes nothing back, whatever else it is asked.
            let look = APIRequest.Drain(undo: true, look: true)
            guard case .drain(let seen) = try await runtime.perform(.drain(look)) else { return }
            #expect(seen.phase == .drained && runtime.readiness().state == .draining)
            guard case .drain(let undone) = try await runtime.perform(.drain(.init(undo: true))) else { return }
            #expect(undone.phase == .none && runtime.readiness().isReady)
            // And begins nothing.
            guard case .drain(let none) = try await runtime.perform(.drain(.init(look: true))) else { return }
            #expect(none.phase == .none && runtime.readiness().isReady)
            let back = try LoopbackClient(port: port)
            try back.send("GET /events?channel=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try back.take(through: ":subscribed\n")
            // The end of the node finds it as it is, and cannot be taken back.
            runtime.life.beginToStop()
            await #expect(throws: APIError.self) { try await runtime.perform(.drain(.init(undo: true))) }
        }
    }

    @Test func aNodeWithoutRedisIsAloneAndSaysSo() async throws {
        _ = try await Self.run(try Self.configuration()) { runtime in
            let overview = runtime.nodes()
            #expect(overview.bus == "memory" && overview.nodes.map(\.id) == [runtime.identifier])
            #expect(overview.nodes.first?.state == "ready" && overview.lost == 0 && overview.desiredNodes == 1)
            #expect(
                overview.nodes.first?.address.hasSuffix(":\(runtime.configuration.listen.publicAddress.port)") == true)
            let text = runtime.metrics.exposition()
            #expect(text.contains("\nmartlet_desired_nodes 1\n") && text.contains("\nmartlet_deletion_cost 0\n"))
        }
    }

    @Test func aRevocationHasAReceiptAndAnExplanation() async throws {
        let configuration = try Self.configuration()
        _ = try await Self.run(configuration) { runtime in
            let client = try LoopbackClient(port: configuration.listen.publicAddress.port)
            let token = runtime.demoToken(user: "ann", session: "s1") ?? ""
            try client.send("GET /events?channel=a&access_token=\(token) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try client.take(through: ":subscribed\n")
            let before = await runtime.ownExplanation(of: .init(.session, "s1"))
            #expect(before.verdict == .admitted && before.connectionCount == 1)
            #expect(before.connections.first?.user == "ann" && before.revocations.isEmpty)

            let receipt = try await runtime.revoke(.init(target: .session("s1"), reason: "why"))
            #expect(!receipt.isDurable && receipt.handle == receipt.id)
            _ = try client.take(through: "event: disconnect\n")
            client.close()
            let request = APIRequest.Revocations(id: receipt.handle)
            #expect(await eventually { runtime.ownStatus(of: request).closes == .init(queued: 1, done: 1) })
            let status = try await runtime.status(of: request)
            #expect(status.isApplied && status.nodes.map(\.state) == [.applied])
            #expect(runtime.ownStatus(of: .init(id: "other")).state == .unseen)
            #expect(runtime.ownStatus(of: .init(id: "kafka:t:0:1")).state == .unseen)

            let after = await runtime.ownExplanation(of: .init(.session, "s1"))
            let revocation = try #require(after.revocations.first)
            #expect(after.verdict == .refused && after.connectionCount == 0)
            #expect(revocation.event?.id == receipt.id && revocation.event?.source == "api")
            #expect(revocation.event?.reason == "why" && revocation.closeReason == "session_revoked")
            _ = try await runtime.revoke(.init(target: .user("ann")))
            let user = await runtime.ownExplanation(of: .init(.user, "ann"))
            #expect(user.verdict == .depends && user.revocations.map(\.target) == ["user"])
            // A token of ann's would be refused, and nothing here says whose it is.
            let unknown = await runtime.ownExplanation(of: .init(.token, "s1"))
            #expect(unknown.verdict == .depends && unknown.because.contains("not known here"))
        }
    }

    private static func withoutKafka(_ manner: NodeConfiguration.Kafka.Unavailable) throws -> NodeConfiguration {
        var configuration = try Self.configuration()
        configuration.kafka.brokers = ["127.0.0.1:\(try FreePort.find())"]
        configuration.kafka.topics = [.init(name: "events")]
        configuration.kafka.startTimeout = .milliseconds(300)
        configuration.kafka.onUnavailable = manner
        return configuration
    }

    @Test func withoutKafkaANodeServesWhereThatIsWished() async throws {
        _ = try await Self.run(try Self.withoutKafka(.serve)) { runtime in
            let readiness = runtime.readiness()
            #expect(readiness.isReady && readiness.degraded.contains { $0.hasPrefix("kafka: ") })
            #expect(runtime.metrics.exposition().contains("martlet_push_healthy 0\n"))
            #expect(runtime.ownStatus(of: .init(id: "kafka:events:0:1")).state == .pending)
        }
    }

    @Test func withoutKafkaANodeWaits() async throws {
        let runtime = try NodeRuntime(try Self.withoutKafka(.wait), logger: Self.logger)
        let group = ServiceGroup(
            configuration: .init(services: runtime.services.map { .init(service: $0) }, logger: Self.logger))
        async let end: Void = group.run()
        #expect(await eventually { runtime.readiness().state == .catchingUp })
        try await Task.sleep(for: .seconds(2))
        #expect(runtime.readiness().state == .catchingUp)
        await group.triggerGracefulShutdown()
        try await end
    }

    private static func withStrictTopic(
        _ manner: NodeConfiguration.Kafka.Unavailable, keys: String
    ) throws -> NodeConfiguration {
        var configuration = try Self.withoutKafka(manner)
        var topic = NodeConfiguration.Kafka.Topic(name: "idp", format: .securityEvents)
        topic.verification = .strict
        topic.tokens.jwksURL = keys
        configuration.kafka.topics.append(topic)
        return configuration
    }

    @Test func aNodeWaitsForTheKeysOfAStrictTopic() async throws {
        let isThere = Atomic(false)
        // Of RFC 7515, appendix A.3.
        let key =
            #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
        let answer: @Sendable (TestHTTPServer.Request) -> TestHTTPServer.Response = { _ in
            isThere.load(ordering: .relaxed) ? .init("{\"keys\":[\(key)]}") : .init(status: 503)
        }
        try await TestHTTPServer.run(answer) { server in
            let configuration = try Self.withStrictTopic(.wait, keys: server.url("/jwks"))
            let runtime = try NodeRuntime(configuration, logger: Self.logger)
            let group = ServiceGroup(
                configuration: .init(services: runtime.services.map { .init(service: $0) }, logger: Self.logger))
            async let end: Void = group.run()
            #expect(await eventually { !server.requests.isEmpty })
            let waiting = runtime.readiness()
            #expect(waiting.state == .catchingUp && waiting.reasons.contains("fetching the keys of topic idp"))
            #expect(waiting.degraded.contains("kafka: not started"))
            isThere.store(true, ordering: .relaxed)
            // The rest is Kafka's; and a fetch that failed is tried again in a while.
            #expect(
                await eventually(within: .seconds(30)) {
                    runtime.readiness().reasons == ["reading the session topics"]
                })
            await group.triggerGracefulShutdown()
            try await end
        }
    }

    @Test func withoutTheKeysOfAStrictTopicANodeServesWhereThatIsWished() async throws {
        // Nothing listens at the port of discard.
        let nowhere = "http://127.0.0.1:9/jwks"
        _ = try await Self.run(try Self.withStrictTopic(.serve, keys: nowhere)) { runtime in
            let degraded = runtime.readiness().degraded
            #expect(degraded.contains("kafka: the keys of topic idp were not fetched yet"))
        }
    }

    @Test func aDrainTellsItsClientsAndTheNodeAnswersToTheEnd() async throws {
        var configuration = try Self.configuration()
        configuration.drain.delay = .seconds(2)
        let runtime = try NodeRuntime(configuration, logger: Self.logger)
        let group = ServiceGroup(
            configuration: .init(services: runtime.services.map { .init(service: $0) }, logger: Self.logger))
        async let end: Void = group.run()
        #expect(await eventually { runtime.readiness().isReady })
        let client = try LoopbackClient(port: configuration.listen.publicAddress.port)
        try client.send("GET /events?channel=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try client.take(through: ":subscribed\n")
        await group.triggerGracefulShutdown()
        // The balancer's time: still ready to serve, but no longer said to be.
        #expect(await eventually { runtime.readiness().state == .draining })
        _ = try client.take(through: "retry: ")
        #expect(try client.takeAll().suffix(5) == Array("0\r\n\r\n".utf8))
        client.close()
        try await end
        #expect(runtime.readiness().state == .stopped)
        // Who asks a node that has ended is answered.
        #expect(try await runtime.answer("info", Array("{}".utf8)).count == 1)
    }

    @Test func aSecondSignalHurries() async throws {
        var configuration = try Self.configuration()
        configuration.drain.delay = .seconds(30)
        configuration.drain.window = .seconds(30)
        let elapsed = try await Self.run(configuration) { [configuration] runtime in
            let client = try LoopbackClient(port: configuration.listen.publicAddress.port)
            try client.send("GET /events?channel=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try client.take(through: ":subscribed\n")
            // Not a child: the signal comes when the group ends already.
            Task {
                try await Task.sleep(for: .milliseconds(200))
                runtime.life.hurry()
                withExtendedLifetime(client) {}
            }
        }
        #expect(elapsed < .seconds(30))
    }

    @Test func aNodeTakesNoMoreThanItsDescriptorsAllow() throws {
        var configuration = try Self.configuration()
        configuration.limits.connectionsMax = .max
        let log = RecordedLog()
        let runtime = try NodeRuntime(configuration, logger: log.logger)
        let most = ConnectionCapacity.here(NodeConfiguration()).connectionsMax
        #expect(runtime.edge.capacity == most && runtime.nodes().nodes.first?.capacity == most)
        #expect(runtime.metrics.exposition().contains("\nmartlet_connections_capacity \(most)\n"))
        #expect(log.warnings.count == 1 && log.warnings[0].contains("the node takes \(most) connections"))
        var fresh = configuration
        fresh.limits.connectionsMax = 7
        runtime.reload(fresh)
        #expect(runtime.edge.capacity == 7)
        runtime.reload(configuration)
        #expect(runtime.edge.capacity == most && log.warnings.count == 2)
    }

    @Test func theConfigurationReachesTheParts() throws {
        var configuration = try Self.configuration()
        configuration.events.padding = 2_048
        configuration.events.retry = .milliseconds(1_500)
        configuration.listen.proxyProtocol = .required
        configuration.limits.connectionsPerUserMax = 3
        let edge = NodeRuntime.edgeConfiguration(configuration)
        #expect(edge.eventPaddingBytes == 2_048 && edge.eventRetryMilliseconds == 1_500)
        #expect(edge.requiresProxyProtocol && edge.limits.connectionsPerUserMax == 3)
        #expect(edge.isDevelopment && edge.allowsAnonymous)
    }
}
