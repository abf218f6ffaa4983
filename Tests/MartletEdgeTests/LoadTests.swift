// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import MartletReactor
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Many messages")
    struct LoadTests {
        @Test(arguments: [1, 2]) func everyPublicationArrivesOnceAndInOrder(shards: Int) throws {
            try EdgeRig.run({
                $0.shards = shards
                // Far fewer than one batch has, so that batches are taken in pieces.
                if shards == 1 { $0.enqueuesPerTurnMax = 1_000 }
            }) { rig in
                let (clients, publications) = (120, 1_000)
                let tokens = (0..<clients).map { rig.token("u\($0)") }
                let sockets = try tokens.dropLast(20).map { try SocketClient(rig, "/ws?access_token=\($0)") }
                for socket in sockets { try socket.send(Self.subscribe) }
                for socket in sockets { #expect(try socket.next() == .text(#"{"jsonrpc":"2.0","id":1,"result":{}}"#)) }
                let streams = try tokens.suffix(20).map { try EventClient(rig, "channel=room:a&access_token=\($0)") }
                for stream in streams { try stream.skip(to: ":subscribed") }
                for number in 0..<publications { rig.publish("room:a", "\(number)") }
                for socket in sockets {
                    for number in 0..<publications {
                        let push = try socket.next()
                        guard push == .text(Self.push(number)) else { return #expect(push == .text(Self.push(number))) }
                    }
                }
                for stream in streams {
                    for number in 0..<publications {
                        let lines = try stream.event()
                        guard lines == [#"data: {"channel":"room:a","data":\#(number)}"#] else {
                            return #expect(lines == ["\(number)"])
                        }
                    }
                }
                #expect(EdgeRig.eventually { rig.hubMetrics.deliveries.total == clients * publications })
                #expect(rig.hubMetrics.overrun.total == 0)
            }
        }

        private static let subscribe = #"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"room:a"}}"#

        private static func push(_ number: Int) -> String {
            #"{"jsonrpc":"2.0","method":"publication","params":{"channel":"room:a","data":\#(number)}}"#
        }

        @Test func whatTheMailboxRefusesIsToldAsAGap() throws {
            try EdgeRig.run({ $0.edge.limits.mailboxMax = 8 }) { rig in
                let socket = try SocketClient(rig, "/ws?access_token=\(rig.token("ann"))")
                #expect(try socket.ask(Self.subscribe) != .end)
                let publications = 20_000
                for number in 0..<publications { rig.publish("room:a", "\(number)") }
                let lost = rig.hubMetrics.overrun.total
                #expect(lost > 0)
                rig.publish("room:a", "\(publications)")
                // In order; a gap stands wherever numbers are missing, the one behind the last included.
                var (expected, received, hasGap) = (0, 0, false)
                while received < publications + 1 - rig.hubMetrics.overrun.total {
                    guard case .text(let text) = try socket.next() else { return #expect(Bool(false)) }
                    if text == #"{"jsonrpc":"2.0","method":"gap","params":{"channel":"room:a"}}"# {
                        hasGap = true
                        continue
                    }
                    guard let digits = text.split(separator: ":").last?.prefix(while: \.isNumber),
                        let number = Int(digits)
                    else { return #expect(text == "a publication") }
                    guard number == expected || (hasGap && number > expected) else {
                        return #expect(number == expected, "after \(hasGap ? "a" : "no") gap")
                    }
                    (expected, received, hasGap) = (number + 1, received + 1, false)
                }
            }
        }

        @Test func whoDoesNotReadIsEndedAndOthersAreNot() throws {
            try EdgeRig.run({ $0.edge.limits.pendingBytesMax = 65_536 }) { rig in
                let slow = try SocketClient.connected(rig, token: rig.token("slow"), receiveBytes: 4_096)
                #expect(try slow.ask(SocketClient.subscribe("room:a")) != .end)
                let stream = try EventClient(rig, "channel=room:a&access_token=\(rig.token("slow"))")
                try stream.skip(to: ":subscribed")
                let good = try SocketClient.connected(rig, token: rig.token("good"))
                #expect(try good.ask(SocketClient.subscribe("room:a")) != .end)
                let body = "\"" + String(repeating: "x", count: 10_000) + "\""
                let push = SocketClient.Message.text(#"{"push":{"channel":"room:a","pub":{"data":\#(body)}}}"#)
                var publications = 0
                while rig.shared.metrics.slow.total < 2, publications < 4_000 {
                    rig.publish("room:a", body)
                    guard try good.next() == push else { return #expect(Bool(false), "the good one is not served") }
                    publications += 1
                }
                #expect(rig.shared.metrics.slow.total == 2)
                #expect(EdgeRig.eventually { rig.open == 1 })
                // Who reads after all finds out why: what was dropped does not stand before the goodbye.
                var last = try slow.next()
                while case .text = last { last = try slow.next() }
                #expect(last == .close(3_008, "slow"))
                _ = try stream.rest()
                #expect(EdgeRig.eventually { rig.open == 1 && rig.reactorShared.pendingBytes.current == 0 })
                #expect(EdgeRig.eventually { rig.hubMetrics.subscriptions.current == 1 })
                let closed = #"martlet_connections_closed_total{reason="slow"} 2"#
                #expect(EdgeRig.eventually { rig.metrics.exposition().contains(closed) })
            }
        }
    }
}
