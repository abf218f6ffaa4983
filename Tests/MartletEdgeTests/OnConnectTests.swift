// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletHub
import MartletPolicy
import MartletSessions
import Synchronization
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Whom the authority must answer for first")
    struct OnConnectTests {
        /// An authority that answers when it is told to.
        private final class Authority: SessionValidator {
            private struct State {
                var dead: Set<String> = []
                var isUp = true
                var asked: [String] = []
                var waiting: [CheckedContinuation<Void, Never>] = []
                var answersAtOnce: Bool
            }

            private struct Away: Error {}

            private let state: Mutex<State>

            init(answersAtOnce: Bool) { self.state = Mutex(State(answersAtOnce: answersAtOnce)) }

            var asked: [String] { self.state.withLock { $0.asked } }
            func bury(_ session: String) { _ = self.state.withLock { $0.dead.insert(session) } }
            func goAway() { self.state.withLock { $0.isUp = false } }

            /// Lets all calls that wait, and those to come, be answered.
            func answer() {
                let waiting = self.state.withLock { state in
                    state.answersAtOnce = true
                    defer { state.waiting = [] }
                    return state.waiting
                }
                for continuation in waiting { continuation.resume() }
            }

            func validate(_ sessions: [SessionToValidate]) async throws -> [ValidationOutcome] {
                let keys = sessions.map(\.identity.sessionKey)
                await withCheckedContinuation { continuation in
                    let goesOn = self.state.withLock { state in
                        state.asked += keys
                        if !state.answersAtOnce { state.waiting.append(continuation) }
                        return state.answersAtOnce
                    }
                    if goesOn { continuation.resume() }
                }
                let (isUp, dead) = self.state.withLock { ($0.isUp, $0.dead) }
                guard isUp else { throw Away() }
                return keys.map { dead.contains($0) ? .revoked(reason: nil) : .active }
            }
        }

        private static func run(
            _ authority: Authority, _ change: @escaping (inout ValidationConfiguration) -> Void = { _ in },
            connectsPerSecond: Double? = nil, _ body: (EdgeRig) async throws -> Void
        ) async throws {
            try await EdgeRig.run(
                {
                    $0.validator = authority
                    $0.admission.connectsPerSecond = connectsPerSecond
                    $0.validation.onConnect = .always
                    $0.validation.callsPerSecond = 1_000
                    $0.validation.onConnectTimeout = .seconds(8)
                    change(&$0.validation)
                }, body)
            authority.answer()
        }

        @Test func whoWaitsGoesOnWhenTheAuthorityHasAnswered() async throws {
            let authority = Authority(answersAtOnce: false)
            try await Self.run(authority) { rig in
                let centrifuge = try SocketClient(rig, SocketClient.centrifuge)
                try centrifuge.send(
                    SocketClient.connect(rig.token("ann", session: "s1")) + "\n" + SocketClient.subscribe("room:a"))
                let plain = try SocketClient(rig, "/ws")
                let token = rig.token("ann", session: "s2")
                try plain.send(#"{"jsonrpc":"2.0","id":1,"method":"connect","params":{"token":"\#(token)"}}"#)
                try plain.send(#"{"jsonrpc":"2.0","id":2,"method":"subscribe","params":{"channel":"room:a"}}"#)
                let events = try LoopbackClient(port: rig.port)
                try events.send(
                    LoopbackClient.request(
                        "GET /events?channel=room:a&access_token=\(rig.token("ann", session: "s3"))"))
                let upgrade = try LoopbackClient(port: rig.port)
                try upgrade.send(
                    LoopbackClient.request(
                        "GET /ws?access_token=\(rig.token("ann", session: "s4"))", LoopbackClient.upgrade))
                #expect(EdgeRig.eventually { Set(authority.asked) == ["s1", "s2", "s3", "s4"] })
                #expect(rig.roster.count == 0, "none is in yet")
                #expect(EdgeRig.eventually { rig.shared.placesTaken == 2 }, "who waits for its answer holds no place")
                authority.answer()
                guard case .text(let text) = try centrifuge.next() else { return #expect(Bool(false)) }
                #expect(text.hasPrefix(#"{"id":1,"connect":{"client":"#))
                #expect(try centrifuge.next() == .text(#"{"id":2,"subscribe":{}}"#))
                guard case .text(let answer) = try plain.next() else { return #expect(Bool(false)) }
                #expect(answer.hasPrefix(#"{"jsonrpc":"2.0","id":1,"result":{"client":"#))
                #expect(try plain.next() == .text(#"{"jsonrpc":"2.0","id":2,"result":{}}"#))
                #expect(try HTTPAnswer(events).fields["content-type"] == "text/event-stream; charset=utf-8")
                #expect(try HTTPAnswer(upgrade).status == 101)
                #expect(rig.roster.count == 4)
                #expect(await rig.extrasCount() == 0)
                // A good answer outlives its connection: who comes back at once is not asked about again.
                centrifuge.client.close()
                #expect(EdgeRig.eventually { rig.roster.count == 3 })
                let again = try SocketClient.connected(rig, token: rig.token("ann", session: "s1"))
                #expect(authority.asked.count == 4)
                for client in [again.client, plain.client, events, upgrade] { client.close() }
            }
        }

        /// A request that is read again counts once for the rate: there is none left for a second time.
        @Test func whoHasWaitedCountsOnceForTheRate() async throws {
            let authority = Authority(answersAtOnce: false)
            try await Self.run(authority, connectsPerSecond: 2) { rig in
                let events = try LoopbackClient(port: rig.port)
                try events.send(
                    LoopbackClient.request(
                        "GET /events?channel=room:a&access_token=\(rig.token("ann", session: "s1"))"))
                let upgrade = try LoopbackClient(port: rig.port)
                try upgrade.send(
                    LoopbackClient.request(
                        "GET /ws?access_token=\(rig.token("ann", session: "s2"))", LoopbackClient.upgrade))
                #expect(EdgeRig.eventually { Set(authority.asked) == ["s1", "s2"] })
                authority.answer()
                #expect(try HTTPAnswer(events).fields["content-type"] == "text/event-stream; charset=utf-8")
                #expect(try HTTPAnswer(upgrade).status == 101)
                #expect(EdgeRig.eventually { rig.open == 2 })
                #expect(rig.shared.metrics.refusedTotal == 0)
                for client in [events, upgrade] { client.close() }
            }
        }

        @Test func theDeadDoNotComeIn() async throws {
            let authority = Authority(answersAtOnce: true)
            for session in ["s1", "s2", "s3"] { authority.bury(session) }
            try await Self.run(authority) { rig in
                let centrifuge = try SocketClient(rig, SocketClient.centrifuge)
                try centrifuge.send(SocketClient.connect(rig.token("ann", session: "s1")))
                #expect(try centrifuge.closeCode() == 4503)
                let upgrade = try SocketClient(rig, "/ws?access_token=\(rig.token("ann", session: "s2"))")
                #expect(try upgrade.closeCode() == 4503)
                let events = try LoopbackClient(port: rig.port)
                try events.send(
                    LoopbackClient.request(
                        "GET /events?channel=room:a&access_token=\(rig.token("ann", session: "s3"))"))
                #expect(try HTTPAnswer(events).status == 401)
                #expect(rig.roster.count == 0)
                // Remembered: nobody is asked a second time.
                #expect(rig.revocations.contains(.session("s1")))
                events.close()
            }
        }

        /// First registered, then checked: what is revoked while somebody waits ends it at once.
        @Test func whatIsRevokedMeanwhileIsFound() async throws {
            let authority = Authority(answersAtOnce: false)
            try await Self.run(authority) { rig in
                let centrifuge = try SocketClient(rig, SocketClient.centrifuge)
                try centrifuge.send(SocketClient.connect(rig.token("ann", session: "s1")))
                #expect(EdgeRig.eventually { authority.asked == ["s1"] })
                rig.invalidate(.session("s1"))
                authority.answer()
                #expect(try centrifuge.closeCode() == 4500)
            }
        }

        @Test(arguments: ValidationConfiguration.Unavailable.allCases)
        func anAuthorityThatDoesNotAnswerLetsInOrSendsAway(
            _ policy: ValidationConfiguration.Unavailable
        ) async throws {
            let authority = Authority(answersAtOnce: false)
            try await Self.run(
                authority,
                {
                    $0.onUnavailable = policy
                    $0.onConnectTimeout = .milliseconds(300)
                }
            ) { rig in
                let centrifuge = try SocketClient(rig, SocketClient.centrifuge)
                try centrifuge.send(SocketClient.connect(rig.token("ann", session: "s1")))
                let plain = try SocketClient(rig, "/ws")
                let token = rig.token("ann", session: "s2")
                try plain.send(#"{"jsonrpc":"2.0","id":1,"method":"connect","params":{"token":"\#(token)"}}"#)
                let events = try LoopbackClient(port: rig.port)
                try events.send(
                    LoopbackClient.request(
                        "GET /events?channel=room:a&access_token=\(rig.token("ann", session: "s3"))"))
                let upgrade = try LoopbackClient(port: rig.port)
                try upgrade.send(
                    LoopbackClient.request(
                        "GET /ws?access_token=\(rig.token("ann", session: "s4"))", LoopbackClient.upgrade))
                let uni = try LoopbackClient(port: rig.port)
                try uni.send(
                    LoopbackClient.request("GET /connection/uni_sse?access_token=\(rig.token("ann", session: "s5"))"))
                switch policy {
                case .keep:
                    guard case .text(let text) = try centrifuge.next() else { return #expect(Bool(false)) }
                    #expect(text.hasPrefix(#"{"id":1,"connect":{"client":"#))
                    guard case .text(let answer) = try plain.next() else { return #expect(Bool(false)) }
                    #expect(answer.hasPrefix(#"{"jsonrpc":"2.0","id":1,"result":{"client":"#))
                    #expect(try HTTPAnswer(events).fields["content-type"] == "text/event-stream; charset=utf-8")
                    #expect(try HTTPAnswer(upgrade).status == 101)
                    #expect(EdgeRig.eventually { rig.open == 5 })
                    let kept = "martlet_validation_admissions_total{outcome=\"kept\"}"
                    #expect(EdgeRig.eventually { rig.metric(kept) == 5 })
                case .close:
                    // SDKs come back by themselves; a bare EventSource is told when, and to others it is a 503.
                    #expect(try centrifuge.closeCode() == 4000)
                    #expect(try plain.closeCode() == 4000)
                    let later = try HTTPAnswer(events)
                    #expect(later.status == 200 && later.body.hasPrefix("retry: "))
                    let refused = try HTTPAnswer(upgrade)
                    #expect(refused.status == 503 && refused.fields["retry-after"] != nil)
                    #expect(String(decoding: try uni.takeAll(), as: UTF8.self).contains(#""code":4000"#))
                    #expect(rig.metric("martlet_validation_admissions_total{outcome=\"refused\"}") == 5)
                    #expect(
                        rig.metric("martlet_connections_refused_total{reason=\"validation_unavailable\"}") == 2)
                }
                for client in [centrifuge.client, plain.client, events, upgrade, uni] { client.close() }
            }
        }

        @Test func nobodyIsAskedWhilePushIsHealthy() async throws {
            let authority = Authority(answersAtOnce: true)
            try await Self.run(authority, { $0.onConnect = .degraded }) { rig in
                _ = try SocketClient.connected(rig, token: rig.token("ann", session: "s1"))
                #expect(authority.asked.isEmpty)
                rig.isPushHealthy.store(false)
                _ = try SocketClient.connected(rig, token: rig.token("ann", session: "s2"))
                #expect(authority.asked == ["s2"])
            }
        }

        @Test func whatMayBeForgottenIsAskedAbout() async throws {
            let authority = Authority(answersAtOnce: true)
            authority.bury("dead")
            try await Self.run(authority, { $0.onConnect = .never }) { rig in
                rig.revocations.raiseFloor(to: Int64(Clock.wall) - 60)
                _ = try SocketClient.connected(rig, token: rig.token("ann", session: "new", age: 0))
                #expect(authority.asked.isEmpty)
                _ = try SocketClient.connected(rig, token: rig.token("ann", session: "alive", age: 600))
                #expect(authority.asked == ["alive"])
                let dead = try SocketClient(rig, SocketClient.centrifuge)
                try dead.send(SocketClient.connect(rig.token("ann", session: "dead", age: 600)))
                #expect(try dead.closeCode() == 4503)
                authority.goAway()
                // Never with a terminal code: a fresh token helps.
                let unknown = try SocketClient(rig, SocketClient.centrifuge)
                try unknown.send(SocketClient.connect(rig.token("ann", session: "unknown", age: 600)))
                guard case .text(let text) = try unknown.next() else { return #expect(Bool(false)) }
                #expect(text.contains(#""code":109"#))
            }
        }
    }
}
