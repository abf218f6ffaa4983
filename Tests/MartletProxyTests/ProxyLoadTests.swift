// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Synchronization
import TestSupport
import Testing

@testable import MartletProxy

/// Bounds and the circuit breaker, against a real server.
@Suite(.timeLimit(.minutes(1))) struct ProxyLoadTests {
    private static let rpc = ProxyRequest.Question.rpc(method: "m", data: nil)

    private final class Switch: Sendable {
        private let value = Atomic<Bool>(false)
        var isOn: Bool { self.value.load(ordering: .relaxed) }
        func set(_ value: Bool) { self.value.store(value, ordering: .relaxed) }
    }

    private func outcomes(_ count: Int, _ rig: Rig) async -> [ProxyOutcome] {
        await withTaskGroup(of: ProxyOutcome.self) { group in
            for _ in 0..<count { group.addTask { await rig.ask(Self.rpc) } }
            var outcomes: [ProxyOutcome] = []
            for await outcome in group { outcomes.append(outcome) }
            return outcomes
        }
    }

    @Test func soManyAtATimeSomeWaitTheRestIsRefused() async throws {
        try await Rig.run(
            {
                $0.concurrencyMax = 3
                $0.waitingMax = 5
                $0.endpoints[.rpc]?.timeout = .seconds(30)
            }, answering: { _ in .init(#"{"result":{}}"#, delay: .seconds(2)) }
        ) { rig in
            let outcomes = await self.outcomes(20, rig)
            #expect(outcomes.count { $0.answer == .rpc(data: nil) } == 8)
            #expect(outcomes.count { $0 == .failed(.overloaded) } == 12)
            #expect(rig.server.accepted <= 3)
            #expect(ProxyOutcome.Failure.overloaded.error == .tooManyRequests)
            #expect(await eventually { rig.metric(#"martlet_proxy_calls_in_flight{method="rpc"}"#) == "0" })
            #expect(await eventually { rig.metric(#"martlet_proxy_calls_waiting{method="rpc"}"#) == "0" })
        }
    }

    @Test func whoWaitsTooLongIsToldInTime() async throws {
        try await Rig.run(
            {
                $0.concurrencyMax = 1
                $0.failuresMax = 1_000
                $0.endpoints[.rpc]?.timeout = .milliseconds(300)
            }, answering: { _ in .init(#"{"result":{}}"#, delay: .seconds(20)) }
        ) { rig in
            let begun = ContinuousClock.now
            let outcomes = await self.outcomes(10, rig)
            #expect(ContinuousClock.now - begun < .seconds(15))
            // Who came later than the first may still be asked for when that one is given up.
            let (late, waiting) = (
                outcomes.count { $0 == .failed(.timeout) }, outcomes.count { $0 == .failed(.overloaded) }
            )
            #expect(late >= 1 && waiting >= 1 && late + waiting == 10)
        }
    }

    @Test func oneSlowEndpointDoesNotHoldTheOthers() async throws {
        try await Rig.run(
            {
                $0.concurrencyMax = 1
                $0.endpoints[.rpc]?.timeout = .seconds(30)
            }, answering: { .init(#"{"result":{}}"#, delay: $0.path == "/rpc" ? .seconds(4) : .zero) }
        ) { rig in
            let slow = Task { await rig.ask(Self.rpc) }
            let begun = ContinuousClock.now
            #expect(await rig.ask(.connect(.init())).answer != nil)
            #expect(ContinuousClock.now - begun < .milliseconds(3_500))
            #expect(await slow.value.answer != nil)
        }
    }

    @Test func theCircuitOpensAndClosesAgain() async throws {
        let isDown = Switch()
        try await Rig.run(
            {
                $0.failuresMax = 3
                $0.pause = .seconds(3)
            }, answering: { _ in isDown.isOn ? .init(status: 503) : .init(#"{"result":{}}"#) }
        ) { rig in
            #expect(await rig.ask(Self.rpc).answer == .rpc(data: nil))
            isDown.set(true)
            for _ in 1...3 { #expect(await rig.ask(Self.rpc) == .failed(.status)) }
            #expect(rig.metric(#"martlet_proxy_circuit_open{method="rpc"}"#) == "1")
            let asked = rig.server.requests.count
            for _ in 1...50 { #expect(await rig.ask(Self.rpc) == .failed(.circuitOpen)) }
            #expect(rig.server.requests.count == asked)
            // Another endpoint of the same server is not held against it.
            #expect(rig.metric(#"martlet_proxy_circuit_open{method="connect"}"#) == "0")
            isDown.set(false)
            #expect(await eventually { await rig.ask(Self.rpc).answer == .rpc(data: nil) })
            #expect(rig.metric(#"martlet_proxy_circuit_open{method="rpc"}"#) == "0")
            #expect(await rig.ask(Self.rpc).answer == .rpc(data: nil))
        }
    }

    @Test func refusalsOfALivingServerDoNotOpenIt() async throws {
        try await Rig.run({ $0.failuresMax = 2 }, answering: { _ in .init(status: 404) }) { rig in
            for _ in 1...10 { #expect(await rig.ask(Self.rpc) == .failed(.status)) }
            #expect(rig.server.requests.count == 10)
        }
    }

    @Test func aServerThatTricklesItsBodyIsGivenUp() async throws {
        // The head announces more than ever comes.
        try await Rig.run(
            { $0.endpoints[.rpc]?.timeout = .milliseconds(200) },
            answering: { _ in
                var response = TestHTTPServer.Response(#"{"result":{}}"#)
                response.headers["content-length"] = "1000"
                return response
            }
        ) { rig in
            let begun = ContinuousClock.now
            #expect(await rig.ask(Self.rpc) == .failed(.timeout))
            #expect(ContinuousClock.now - begun < .seconds(15))
        }
    }
}
