// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Presence, joins and leaves, history")
    struct PresenceTests {
        private static func subscribe(_ channel: String, joins: Bool = false) -> String {
            #""subscribe":{"channel":"\#(channel)"\#(joins ? #","join_leave":true"# : "")}"#
        }

        @Test func whoComesAndGoes() throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let ann = try SocketClient.connected(rig, token: rig.token("ann", info: "1"))
                #expect(try ann.command(Self.subscribe("who:a", joins: true)) == #"{"id":9,"subscribe":{}}"#)
                // Its own coming is told behind the reply.
                let joined = try ann.text()
                #expect(joined.hasPrefix(#"{"push":{"channel":"who:a","join":{"info":{"user":"ann","client":""#))
                #expect(joined.hasSuffix(#"","conn_info":1}}}}"#))
                let bob = try SocketClient.connected(rig, token: rig.token("bob"))
                #expect(try bob.command(Self.subscribe("who:a")) == #"{"id":9,"subscribe":{}}"#)
                #expect(try ann.text().hasPrefix(#"{"push":{"channel":"who:a","join":{"info":{"user":"bob","#))
                #expect(
                    try bob.command(#""presence_stats":{"channel":"who:a"}"#)
                        == #"{"id":9,"presence_stats":{"num_clients":2,"num_users":2}}"#)
                let presence = try bob.command(#""presence":{"channel":"who:a"}"#)
                #expect(presence.contains(#"{"user":"ann","client":""#) && presence.contains(#","conn_info":1}"#))
                #expect(presence.contains(#"{"user":"bob","client":""#))
                #expect(try bob.code(#""unsubscribe":{"channel":"who:a"}"#) == 0)
                #expect(try ann.text().hasPrefix(#"{"push":{"channel":"who:a","leave":{"info":{"user":"bob","#))
                let carl = try SocketClient.connected(rig, token: rig.token("carl"))
                #expect(try carl.code(Self.subscribe("who:a")) == 0)
                #expect(try ann.text().contains(#""join":{"info":{"user":"carl""#))
                carl.close()
                #expect(try ann.text().contains(#""leave":{"info":{"user":"carl""#))
                #expect(
                    try ann.command(#""presence_stats":{"channel":"who:a"}"#)
                        == #"{"id":9,"presence_stats":{"num_clients":1,"num_users":1}}"#)
            }
        }

        @Test func whatEndsBeforeItBeganIsNotTold() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({
                EdgeRig.channels(&$0)
                $0.bus = bus
            }) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                try client.send(#"{"id":2,\#(Self.subscribe("who:a"))}"#)
                #expect(EdgeRig.eventually { bus.channels == ["who:a"] })
                client.close()
                #expect(EdgeRig.eventually { rig.open == 0 })
                #expect(bus.waiting == 0)
                let second = try SocketClient.connected(rig, token: rig.token("ann"))
                try second.send(#"{"id":2,\#(Self.subscribe("who:a"))}"#)
                #expect(EdgeRig.eventually { bus.channels == ["who:a"] })
                bus.acknowledge("who:a")
                #expect(try second.text() == #"{"id":2,"subscribe":{}}"#)
                #expect(EdgeRig.eventually { bus.waiting == 1 })
                second.close()
                #expect(EdgeRig.eventually { bus.waiting == 2 })
                bus.complete()
            }
        }

        @Test func rightsToRead() throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                for command in ["presence", "presence_stats"] {
                    #expect(try client.code(#""\#(command)":{"channel":"who:a"}"#) == 103, "not subscribed")
                    #expect(try client.code(#""\#(command)":{"channel":"room:a"}"#) == 108)
                    #expect(try client.code(#""\#(command)":{"channel":"nowhere:a"}"#) == 102)
                    #expect(try client.code(#""\#(command)":{"channel":"who:a b"}"#) == 107)
                }
                #expect(try client.code(#""history":{"channel":"log:a"}"#) == 103)
                #expect(try client.code(#""history":{"channel":"who:a"}"#) == 108)
                #expect(try client.code(#""history":{"channel":"nowhere:a"}"#) == 102)
            }
        }

        @Test func history() throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                rig.publish("log:a", 1...6)
                let first = try client.command(#""subscribe":{"channel":"log:a","recoverable":true}"#)
                let epoch = try #require(SubscriptionTests.value("epoch", first))
                func history(_ more: String) throws -> String {
                    try client.command(#""history":{"channel":"log:a"\#(more)}"#)
                }
                func answer(_ numbers: [Int]) -> String {
                    let publications = numbers.map { #"{"data":\#($0),"offset":\#($0)}"# }.joined(separator: ",")
                    return #"{"id":9,"history":{"publications":[\#(publications)],"epoch":"\#(epoch)","offset":6}}"#
                }
                #expect(try history("") == answer([]))
                #expect(try history(#","limit":2"#) == answer([2, 3]))
                #expect(try history(#","limit":-1"#) == answer([2, 3, 4, 5, 6]))
                #expect(try history(#","limit":1000"#) == answer([2, 3, 4, 5, 6]))
                #expect(try history(#","limit":2,"reverse":true"#) == answer([6, 5]))
                #expect(
                    try history(#","limit":9,"since":{"offset":4,"epoch":"\#(epoch)"}"#) == answer([5, 6]))
                #expect(try history(#","limit":9,"since":{"offset":4}"#) == answer([5, 6]))
                #expect(
                    try history(#","limit":9,"since":{"offset":4,"epoch":"\#(epoch)"},"reverse":true"#)
                        == answer([3, 2]))
                #expect(
                    try history(#","since":{"offset":4,"epoch":"x"}"#)
                        == SocketClient.error(112, "unrecoverable position"))
                #expect(try client.code(#""publish":{"channel":"log:a","data":7}"#) == 0)
                try client.send(#"{"id":8,"history":{"channel":"log:a"}}"#)
                var text = ""
                // The publication itself comes before or behind the reply to its command.
                while !text.contains(#""id":8"#) { text = try client.text() }
                #expect(text.contains(#""offset":7"#))
            }
        }
    }
}
