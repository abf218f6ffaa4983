// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import Testing

@testable import MartletEdge

extension LoopbackTests {
    /// `log` keeps history and who is there; `room` keeps nothing.
    @Suite("JSON-RPC and channels")
    struct JSONRPCChannelTests {
        private static func keeping(_ options: inout EdgeRig.Options) {
            var log = NamespaceOptions(name: "log", subscribe: .authenticated, publish: .subscribers)
            log.historySize = 4
            log.presence = true
            log.joinLeave = true
            options.edge.namespaces = NamespaceTable([
                log, NamespaceOptions(name: "room", subscribe: .authenticated), NamespaceOptions(name: "secret"),
            ])
        }

        private static func call(_ method: String, _ params: String, id: Int = 1) -> String {
            #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":{\#(params)}}"#
        }

        private static func text(_ message: SocketClient.Message) throws -> String {
            guard case .text(let text) = message else { throw UnexpectedMessage(message: message) }
            return text
        }

        private struct UnexpectedMessage: Error { var message: SocketClient.Message }

        private static func connect(_ rig: EdgeRig, _ user: String) throws -> SocketClient {
            try SocketClient(rig, "/ws?access_token=\(rig.token(user))")
        }

        private static func epoch(in text: String) throws -> String {
            try String(#require(text.split(separator: #""epoch":""#).dropFirst().first?.split(separator: "\"").first))
        }

        @Test func positionsAndRecovery() throws {
            try EdgeRig.run(Self.keeping) { rig in
                let client = try Self.connect(rig, "ann")
                let subscribe = Self.call("subscribe", #""channel":"log:a","recover":true"#)
                let start = try Self.text(try client.ask(subscribe))
                let epoch = try Self.epoch(in: start)
                #expect(
                    start == #"{"jsonrpc":"2.0","id":1,"result":{"position":{"offset":0,"epoch":"\#(epoch)"}}}"#)
                rig.keep("log:a", "1")
                let live = try Self.text(try client.next())
                #expect(live.contains(#""params":{"channel":"log:a","data":1,"offset":1,"epoch":"\#(epoch)"}"#))
                client.close()
                rig.keep("log:a", "2")
                rig.keep("log:a", "3")
                let back = try Self.connect(rig, "ann")
                let since = { (offset: Int, epoch: String) in
                    #""channel":"log:a","since":{"offset":\#(offset),"epoch":"\#(epoch)"}"#
                }
                #expect(
                    try Self.text(try back.ask(Self.call("subscribe", since(1, epoch))))
                        == #"{"jsonrpc":"2.0","id":1,"result":{"position":{"offset":3,"epoch":"\#(epoch)"},"#
                        + #""recovered":true,"publications":[{"data":2,"offset":2},{"data":3,"offset":3}]}}"#)
                for (offset, other) in [(1, "other"), (9, epoch)] {
                    #expect(try Self.text(try back.ask(Self.call("unsubscribe", #""channel":"log:a""#))) != "")
                    let lost = try Self.text(try back.ask(Self.call("subscribe", since(offset, other))))
                    #expect(lost.contains(#""position":{"offset":3"#) && lost.contains(#""recovered":false}}"#))
                }
                // More than the history keeps.
                #expect(try Self.text(try back.ask(Self.call("unsubscribe", #""channel":"log:a""#))) != "")
                for number in 4...8 { rig.keep("log:a", "\(number)") }
                let tooOld = try Self.text(try back.ask(Self.call("subscribe", since(2, epoch))))
                #expect(tooOld.contains(#""position":{"offset":8"#) && tooOld.contains(#""recovered":false}}"#))
                // A channel without history has no position to go on from.
                #expect(
                    try Self.text(try back.ask(Self.call("subscribe", #""channel":"room:a","recover":true"#)))
                        == #"{"jsonrpc":"2.0","id":1,"result":{}}"#)
                back.close()
            }
        }

        @Test func history() throws {
            try EdgeRig.run(Self.keeping) { rig in
                let client = try Self.connect(rig, "ann")
                let ask = { (params: String) in try Self.text(try client.ask(Self.call("history", params))) }
                #expect(try ask(#""channel":"log:a""#).contains(#""error":{"code":103"#))
                _ = try client.ask(Self.call("subscribe", #""channel":"log:a""#))
                for number in 1...3 {
                    rig.keep("log:a", "\(number)")
                    _ = try client.next()
                }
                let all = try ask(#""channel":"log:a""#)
                let epoch = try Self.epoch(in: all)
                let position = #""position":{"offset":3,"epoch":"\#(epoch)"}"#
                let list = #"{"data":1,"offset":1},{"data":2,"offset":2},{"data":3,"offset":3}"#
                #expect(
                    all == #"{"jsonrpc":"2.0","id":1,"result":{\#(position),"publications":[\#(list)]}}"#)
                #expect(try ask(#""channel":"log:a","limit":0"#).contains(#"\#(position),"publications":[]}"#))
                #expect(
                    try ask(#""channel":"log:a","limit":2,"reverse":true"#)
                        .contains(#""publications":[{"data":3,"offset":3},{"data":2,"offset":2}]"#))
                #expect(
                    try ask(#""channel":"log:a","since":{"offset":2,"epoch":"\#(epoch)"}"#)
                        .contains(#""publications":[{"data":3,"offset":3}]"#))
                #expect(
                    try ask(#""channel":"log:a","since":{"offset":2,"epoch":"other"}"#).contains(
                        #""error":{"code":112"#))
                _ = try client.ask(Self.call("subscribe", #""channel":"room:a""#))
                #expect(try ask(#""channel":"room:a""#).contains(#""error":{"code":108"#))
                #expect(try ask(#""channel":"nowhere:a""#).contains(#""error":{"code":102"#))
                #expect(try ask(#""channel":"bad name""#).contains(#""error":{"code":107"#))
                client.close()
            }
        }

        @Test func presenceAndWhoComesAndGoes() throws {
            try EdgeRig.run(Self.keeping) { rig in
                let ann = try Self.connect(rig, "ann")
                let join = #""channel":"log:a","join_leave":true"#
                _ = try ann.ask(Self.call("subscribe", join))
                let own = try Self.text(try ann.next())
                #expect(own.contains(#""method":"join","params":{"channel":"log:a","info":{"user":"ann""#))
                let bob = try Self.connect(rig, "bob")
                // Who does not ask for it is told nothing.
                _ = try bob.ask(Self.call("subscribe", #""channel":"log:a""#))
                #expect(
                    try Self.text(try ann.next()).contains(
                        #""method":"join","params":{"channel":"log:a","info":{"user":"bob""#))
                let presence = try Self.text(try bob.ask(Self.call("presence", #""channel":"log:a""#)))
                #expect(presence.hasPrefix(#"{"jsonrpc":"2.0","id":1,"result":{"clients":[{"user":""#))
                #expect(presence.contains(#""user":"ann""#) && presence.contains(#""user":"bob""#))
                #expect(
                    try Self.text(try bob.ask(Self.call("presence_stats", #""channel":"log:a""#)))
                        == #"{"jsonrpc":"2.0","id":1,"result":{"clients":2,"users":2}}"#)
                // Who reads an event stream is there as well.
                let events = try EventClient(rig, "channel=log:a&access_token=\(rig.token("eve"))")
                #expect(
                    try Self.text(try ann.next()).contains(
                        #""method":"join","params":{"channel":"log:a","info":{"user":"eve""#))
                events.close()
                #expect(
                    try Self.text(try ann.next()).contains(
                        #""method":"leave","params":{"channel":"log:a","info":{"user":"eve""#))
                bob.close()
                #expect(
                    try Self.text(try ann.next()).contains(
                        #""method":"leave","params":{"channel":"log:a","info":{"user":"bob""#))
                for method in ["presence", "presence_stats"] {
                    #expect(
                        try Self.text(try ann.ask(Self.call(method, #""channel":"room:a""#)))
                            .contains(#""error":{"code":108"#))
                    #expect(
                        try Self.text(try ann.ask(Self.call(method, #""channel":"log:b""#)))
                            .contains(#""error":{"code":103"#))
                }
                ann.close()
            }
        }

        @Test func publishingTellsThePosition() throws {
            try EdgeRig.run(Self.keeping) { rig in
                let client = try Self.connect(rig, "ann")
                _ = try client.ask(Self.call("subscribe", #""channel":"log:a""#))
                try client.send(Self.call("publish", #""channel":"log:a","data":1"#))
                let both = [try Self.text(try client.next()), try Self.text(try client.next())]
                #expect(both.contains { $0.contains(#""result":{"position":{"offset":1,"epoch":""#) })
                #expect(both.contains { $0.contains(#""method":"publication""#) })
                client.close()
            }
        }

        /// A place that is lost ends the subscriptions that have one; others are told of a gap.
        @Test func whoseStreamIsLost() throws {
            try EdgeRig.run(Self.keeping) { rig in
                let (ann, bob) = (try Self.connect(rig, "ann"), try Self.connect(rig, "bob"))
                let start = try Self.text(
                    try ann.ask(Self.call("subscribe", #""channel":"log:a","recover":true"#)))
                _ = try bob.ask(Self.call("subscribe", #""channel":"log:a""#))
                rig.keep("log:a", "1")
                _ = try ann.next()
                _ = try bob.next()
                rig.bus.renewStream("log:a", from: try Self.epoch(in: start)) { _ in }
                rig.keep("log:a", "2")
                #expect(
                    try Self.text(try ann.next()) == #"{"jsonrpc":"2.0","method":"unsubscribed","params":"#
                        + #"{"channel":"log:a","code":2500,"reason":"insufficient state"}}"#)
                #expect(
                    try Self.text(try bob.next())
                        == #"{"jsonrpc":"2.0","method":"gap","params":{"channel":"log:a"}}"#)
                #expect(
                    try Self.text(try ann.ask(Self.call("subscribe", #""channel":"log:a""#))).contains(#""result""#))
                ann.close()
                bob.close()
            }
        }
    }
}
