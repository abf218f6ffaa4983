// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletHub
import MartletInstruments
import Synchronization
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Revocations")
    struct RevocationTests {
        @Test func eachEndsExactlyWhatItNames() throws {
            try EdgeRig.run({ $0.shards = 2 }) { rig in
                let now = Int64(Clock.wall)
                let org = [Identity.Claim(name: "org", value: "x")]
                let tokens = [
                    "session": rig.token("ann", session: "s1"), "token": rig.token("ann", session: "s2", id: "t2"),
                    "old": rig.token("bob", session: "s3", age: 600), "claim": rig.token("cid", claims: org),
                    "new": rig.token("bob", session: "s4", age: 0), "other": rig.token("dan", session: "s5", id: "t5"),
                ]
                var sockets = try tokens.mapValues { try SocketClient.connected(rig, token: $0) }
                func expectEnd(_ name: String, _ code: UInt16) throws {
                    #expect(try sockets.removeValue(forKey: name)?.closeCode() == code, "\(name)")
                    let again = try SocketClient(rig, SocketClient.centrifuge)
                    try again.send(SocketClient.connect(tokens[name]))
                    #expect(try again.closeCode() == code, "\(name) again")
                    let plain = try SocketClient(rig, "/ws?access_token=\(tokens[name] ?? "")")
                    #expect(try plain.closeCode() == code, "\(name) on /ws")
                }
                rig.invalidate(.session("s1"))
                try expectEnd("session", 4500)
                rig.invalidate(.token("t2"))
                try expectEnd("token", 4502)
                rig.invalidate(.user("bob", before: now - 300))
                try expectEnd("old", 4501)
                rig.invalidate(.claim(name: "org", value: "x", before: now))
                try expectEnd("claim", 4504)
                for name in ["new", "other"] {
                    #expect(try sockets[name]?.ask(#"{"id":2,"ping":{}}"#) == .text(#"{"id":2,"ping":{}}"#))
                }
                rig.invalidate(.session("s5"), source: .pull)
                #expect(try sockets["other"]?.closeCode() == 4503)
                #expect(rig.hubMetrics.revocationLag.counts.reduce(0, +) == 5)
            }
        }

        @Test func afterARefreshTheNewNamesCount() throws {
            try EdgeRig.run { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann", session: "first"))
                try client.send(#"{"id":2,"refresh":{"token":"\#(rig.token("ann", session: "second"))"}}"#)
                #expect(try client.next() != .end)
                rig.invalidate(.session("first"))
                #expect(try client.ask(#"{"id":3,"ping":{}}"#) == .text(#"{"id":3,"ping":{}}"#))
                rig.invalidate(.session("second"))
                #expect(try client.closeCode() == 4500)
            }
        }

        @Test func operatorsEndUsersAndConnections() throws {
            try EdgeRig.run { rig in
                let sockets = try ["ann", "ann", "bob"].map {
                    try SocketClient(rig, "/ws?access_token=\(rig.token($0))")
                }
                let kept = try SocketClient(rig, SocketClient.centrifuge)
                guard case .text(let text) = try kept.ask(SocketClient.connect(rig.token("ann"))),
                    let start = text.range(of: #""client":""#)?.upperBound,
                    let id = rig.shared.clients.connection(String(text[start...].prefix(36)))
                else { return #expect(Bool(false)) }
                rig.hub.tellAll(
                    .user(.disconnect(.user("ann", session: nil, keep: [id]), CloseNotice(.forceDisconnect))) { _ in })
                #expect(try sockets[0].closeCode() == 3503)
                #expect(try sockets[1].closeCode() == 3503)
                rig.hub.tellAll(.user(.disconnect(.connection(id, user: "bob"), CloseNotice(.forceReconnect))) { _ in })
                #expect(try kept.ask(#"{"id":2,"ping":{}}"#) == .text(#"{"id":2,"ping":{}}"#))
                rig.hub.tellAll(.user(.disconnect(.connection(id, user: "ann"), CloseNotice(.forceReconnect))) { _ in })
                #expect(try kept.closeCode() == 3011)
                // A name that is used no more names nobody, also where its place is taken again.
                let next = try SocketClient.connected(rig, token: rig.token("ann"))
                rig.hub.tellAll(.user(.disconnect(.connection(id, user: "ann"), CloseNotice(.forceReconnect))) { _ in })
                #expect(try next.ask(#"{"id":2,"ping":{}}"#) == .text(#"{"id":2,"ping":{}}"#))
            }
        }

        /// Revokes one session a round, from another thread, at the moment that the round names; tells the close codes.
        private static func race(
            _ rig: EdgeRig, rounds: Int,
            of target: @escaping @Sendable (Int) -> Invalidation.Target = { .session("s\($0)") },
            _ body: (_ round: Int, _ go: () -> Void) throws -> SocketClient
        ) throws -> [UInt16?: Int] {
            let turn = Atomic<Int>(-1)
            nonisolated(unsafe) let shared = rig
            // unsafe: what the other thread uses of the rig is thread-safe.
            let revoker = Thread {
                for round in 0..<rounds {
                    while turn.load(ordering: .acquiring) < round { sched_yield() }
                    unsafe shared.invalidate(target(round))
                }
            }
            revoker.start()
            var codes: [UInt16?: Int] = [:]
            for round in 0..<rounds {
                let socket = try body(round) { turn.store(round, ordering: .releasing) }
                turn.store(round, ordering: .releasing)
                codes[try socket.closeCode(), default: 0] += 1
            }
            return codes
        }

        /// Sockets of sessions that are revoked at the same moment: whichever comes first, none may survive.
        @Test func noOrderOfConnectingAndRevokingLeavesASocketOpen() throws {
            try EdgeRig.run({ $0.shards = 2 }) { rig in
                let tokens = (0..<400).map { rig.token("ann", session: "s\($0)") }
                let codes = try Self.race(rig, rounds: tokens.count) { round, go in
                    let isPlain = round.isMultiple(of: 2)
                    let client = try isPlain ? nil : SocketClient(rig, SocketClient.centrifuge)
                    if !round.isMultiple(of: 3) { go() }
                    let socket = try client ?? SocketClient(rig, "/ws?access_token=\(tokens[round])")
                    if !isPlain { try socket.send(SocketClient.connect(tokens[round])) }
                    return socket
                }
                #expect(codes == [4500: tokens.count])
            }
        }

        /// The same where no index knows the connections, so that all are looked at.
        @Test(arguments: [true, false])
        func noOrderOfConnectingAndSweepingLeavesASocketOpen(namesTokens: Bool) throws {
            try EdgeRig.run({ $0.shards = 2 }) { rig in
                let before = Int64(Clock.wall)
                let tokens = (0..<200).map { number in
                    rig.token("ann", id: "t\(number)", claims: [.init(name: "org", value: "o\(number)")])
                }
                let codes = try Self.race(
                    rig, rounds: tokens.count,
                    of: { namesTokens ? .token("t\($0)") : .claim(name: "org", value: "o\($0)", before: before) },
                    { round, go in
                        let socket = try SocketClient(rig, SocketClient.centrifuge)
                        if !round.isMultiple(of: 3) { go() }
                        try socket.send(SocketClient.connect(tokens[round]))
                        return socket
                    })
                let code: UInt16? = namesTokens ? 4502 : 4504
                #expect(codes == [code: tokens.count])
                #expect(EdgeRig.eventually { rig.hubMetrics.sweepsWaiting.current == 0 })
            }
        }

        /// Connections that show a token of a session while that is revoked end as well, and others of the same user,
        /// one of them of the session that was left, stay.
        @Test func noOrderOfRefreshingAndRevokingLeavesASocketOpen() throws {
            try EdgeRig.run({ $0.shards = 2 }) { rig in
                let first = rig.token("ann", session: "first")
                let others = try (0..<8).map { number in
                    try SocketClient.connected(
                        rig, token: rig.token("ann", session: number == 0 ? "first" : "o\(number)"))
                }
                let tokens = (0..<300).map { rig.token("ann", session: "s\($0)") }
                let codes = try Self.race(rig, rounds: tokens.count) { round, go in
                    let isPlain = round.isMultiple(of: 2)
                    let socket =
                        try isPlain
                        ? SocketClient(rig, "/ws?access_token=\(first)") : SocketClient.connected(rig, token: first)
                    if round.isMultiple(of: 3) { go() }
                    let parameter = #"{"token":"\#(tokens[round])"}"#
                    try socket.send(
                        isPlain
                            ? #"{"jsonrpc":"2.0","id":2,"method":"refresh","params":\#(parameter)}"#
                            : #"{"id":2,"refresh":\#(parameter)}"#)
                    return socket
                }
                #expect(codes == [4500: tokens.count])
                for other in others {
                    #expect(try other.ask(#"{"id":2,"ping":{}}"#) == .text(#"{"id":2,"ping":{}}"#))
                }
            }
        }
    }
}
