// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

struct CentrifugeDecodingTests {
    private func command(_ json: String) -> CentrifugeCommand? {
        let input = bytes(json)
        return CentrifugeJSON.command(input.span)
    }

    @Test func connect() {
        var expected = CentrifugeCommand.ConnectRequest()
        #expect(self.command(#"{"id":1,"connect":{}}"#) == CentrifugeCommand(id: 1, request: .connect(expected)))
        expected.token = "abc"
        expected.data = bytes(#"{"a":[1]}"#)
        expected.name = "js"
        expected.version = "5.3"
        var subscription = CentrifugeCommand.SubscribeRequest()
        subscription.channel = "chat:é"
        subscription.recover = true
        subscription.epoch = "xyz"
        subscription.offset = .max
        expected.subscriptions = ["chat:é": subscription]
        let found = self.command(
            #"{"connect":{"token":"abc","data":{"a":[1]},"name":"js","version":"5.3","headers":{"x":"y"},"flag":1,"#
                + #""subs":{"chat:\u00e9":{"recover":true,"epoch":"xyz","offset":18446744073709551615}}},"id":4294967295}"#
        )
        #expect(found == CentrifugeCommand(id: .max, request: .connect(expected)))
    }

    @Test func subscribe() {
        var expected = CentrifugeCommand.SubscribeRequest()
        expected.channel = "c"
        #expect(
            self.command(#"{"id":2,"subscribe":{"channel":"c"}}"#)
                == CentrifugeCommand(id: 2, request: .subscribe(expected)))
        expected.token = "t"
        expected.recover = true
        expected.epoch = "e"
        expected.offset = 7
        expected.data = bytes("[1]")
        expected.positioned = true
        expected.recoverable = true
        expected.joinLeave = true
        expected.delta = "fossil"
        expected.flags = 2
        expected.type = -1
        let found = self.command(
            #"{"id":2,"subscribe":{"channel":"c","token":"t","recover":true,"epoch":"e","offset":7,"data":[1],"#
                + #""positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil","flag":2,"type":-1,"tf":{}}}"#
        )
        #expect(found == CentrifugeCommand(id: 2, request: .subscribe(expected)))
    }

    @Test(
        arguments: [
            (#"{"id":3,"ping":{}}"#, .ping),
            (#"{"id":3,"unsubscribe":{"channel":"c"}}"#, .unsubscribe(channel: "c")),
            (#"{"id":3,"publish":{"channel":"c","data":{"x": 1}}}"#, .publish(channel: "c", data: bytes(#"{"x": 1}"#))),
            (#"{"id":3,"publish":{"channel":"c","data":null}}"#, .publish(channel: "c", data: bytes("null"))),
            (#"{"id":3,"presence":{"channel":"c"}}"#, .presence(channel: "c")),
            (#"{"id":3,"presence_stats":{"channel":"c"}}"#, .presenceStats(channel: "c")),
            (#"{"id":3,"rpc":{"method":"m","data":1}}"#, .rpc(method: "m", data: bytes("1"))),
            (#"{"id":3,"send":{"data":"x"}}"#, .send(data: bytes(#""x""#))),
            (#"{"id":3,"refresh":{"token":"t"}}"#, .refresh(token: "t")),
            (#"{"id":3}"#, .unknown),
            (#"{"id":3,"teleport":{}}"#, .unknown),
            (#"{"id":3,"subscribe":null}"#, .unknown),
        ] as [(String, CentrifugeCommand.Request)])
    func requests(_ json: String, _ request: CentrifugeCommand.Request) {
        #expect(self.command(json) == CentrifugeCommand(id: 3, request: request))
    }

    @Test func history() {
        var expected = CentrifugeCommand.HistoryRequest()
        expected.channel = "c"
        expected.limit = -1
        expected.reverse = true
        expected.since = StreamPosition(offset: 5, epoch: "e")
        #expect(
            self.command(
                #"{"id":1,"history":{"channel":"c","limit":-1,"reverse":true,"since":{"offset":5,"epoch":"e"}}}"#)
                == CentrifugeCommand(id: 1, request: .history(expected)))
        expected = CentrifugeCommand.HistoryRequest()
        expected.channel = "c"
        #expect(
            self.command(#"{"id":1,"history":{"channel":"c","since":null}}"#)
                == CentrifugeCommand(id: 1, request: .history(expected)))
    }

    @Test func subRefresh() {
        var expected = CentrifugeCommand.SubRefreshRequest()
        (expected.channel, expected.token, expected.type) = ("c", "t", 1)
        #expect(
            self.command(#"{"id":1,"sub_refresh":{"channel":"c","token":"t","type":1}}"#)
                == CentrifugeCommand(id: 1, request: .subRefresh(expected)))
    }

    @Test(arguments: ["{}", " {} ", #"{"id":0}"#, #"{"id":null}"#, #"{"x":1}"#])
    func pong(_ json: String) {
        #expect(self.command(json) == CentrifugeCommand(id: 0, request: .pong))
    }

    /// Without a `oneof` several requests may come together; one of them is served.
    @Test func precedence() {
        let ordered = [
            "connect", "ping", "subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history", "rpc",
            "send",
            "refresh", "sub_refresh",
        ]
        for index in ordered.indices {
            let members = ordered[index...].map { #""\#($0)":{"data":1}"# }
            let alone = self.command(#"{"id":1,\#(members[0])}"#)
            #expect(alone != nil)
            #expect(self.command(#"{"id":1,\#(members.joined(separator: ","))}"#) == alone)
            #expect(self.command(#"{\#(members.reversed().joined(separator: ",")),"id":1}"#) == alone)
        }
    }

    @Test func lastDuplicateWins() {
        #expect(self.command(#"{"id":1,"id":2,"ping":{}}"#) == CentrifugeCommand(id: 2, request: .ping))
        #expect(
            self.command(#"{"id":1,"presence":{"channel":"a"},"presence":{"channel":"b","channel":"c"}}"#)
                == CentrifugeCommand(id: 1, request: .presence(channel: "c")))
    }

    @Test func escapedNamesAreNames() {
        #expect(self.command(#"{"\u0069d":1,"p\u0069ng":{}}"#) == CentrifugeCommand(id: 1, request: .ping))
    }

    @Test(arguments: [
        "", " ", "null", "1", "[]", #""x""#, "{", #"{"id"}"#, #"{"id":1,}"#, #"{"id":1}{"id":2}"#, #"{"id":1} x"#,
        #"{"id":-1}"#, #"{"id":1.0}"#, #"{"id":1e2}"#, #"{"id":"1"}"#, #"{"id":4294967296}"#, #"{"id":true}"#,
        #"{"id":1,"connect":[]}"#, #"{"id":1,"connect":"x"}"#, #"{"id":1,"connect":{"token":1}}"#,
        #"{"id":1,"connect":{"subs":[]}}"#, #"{"id":1,"connect":{"subs":{"a":1}}}"#,
        #"{"id":1,"connect":{"subs":{"a":{"offset":-1}}}}"#, #"{"id":1,"connect":{"subs":{"\ud800":{}}}}"#,
        #"{"id":1,"connect":{"name":{}}}"#, #"{"id":1,"subscribe":{"channel":7}}"#,
        #"{"id":1,"subscribe":{"recover":1}}"#,
        #"{"id":1,"subscribe":{"offset":1.5}}"#, #"{"id":1,"subscribe":{"type":2147483648}}"#,
        #"{"id":1,"subscribe":{"channel":"\udc00"}}"#, #"{"id":1,"history":{"since":1}}"#,
        #"{"id":1,"history":{"limit":"1"}}"#,
        #"{"id":1,"publish":{"channel":"c"}}"#, #"{"id":1,"refresh":{"token":[]}}"#, #"{"id":1,"ping":1}"#,
        "{\"id\":1,\"ping\":{}}\u{0}",
    ])
    func malformed(_ json: String) {
        #expect(self.command(json) == nil)
        let input = bytes(json)
        var reader = CentrifugeJSON.commands()
        #expect(reader.next(in: input.span) == .malformed)
        #expect(reader.next(in: input.span) == .malformed)
    }

    @Test func notUTF8() {
        let input = bytes(#"{"id":1,"subscribe":{"channel":""#) + [0xC3] + bytes(#""}}"#)
        #expect(CentrifugeJSON.command(input.span) == nil)
    }

    // MARK: - Bodies of requests

    @Test func connectAlone() {
        var expected = CentrifugeCommand.ConnectRequest()
        #expect(CentrifugeJSON.connectRequest(bytes("{}").span) == expected)
        expected.token = "t"
        expected.subscriptions["c"] = CentrifugeCommand.SubscribeRequest()
        expected.subscriptions["c"]?.channel = "c"
        let input = bytes(#" {"token":"t","subs":{"c":{}},"x":1} "#)
        #expect(CentrifugeJSON.connectRequest(input.span) == expected)
        for length in 0..<(input.count - 1) {
            #expect(CentrifugeJSON.connectRequest(input.span.extracting(first: length)) == nil)
        }
        for bad in ["", "[]", "null", "{}{}", #"{"token":1}"#, #"{"a":{"b":}}"#] {
            #expect(CentrifugeJSON.connectRequest(bytes(bad).span) == nil)
        }
    }

    @Test func emulation() {
        var expected = EmulationRequest()
        #expect(CentrifugeJSON.emulationRequest(bytes("{}").span) == expected)
        (expected.node, expected.session) = ("n", "s")
        expected.data = bytes("{\"id\":1,\"ping\":{}}\n{}")
        let input = bytes(#"{"session":"s","node":"n","data":"{\"id\":1,\"ping\":{}}\n{}","x":[]}"#)
        #expect(CentrifugeJSON.emulationRequest(input.span) == expected)
        for length in 0..<input.count {
            #expect(CentrifugeJSON.emulationRequest(input.span.extracting(first: length)) == nil)
        }
        for bad in ["", "1", #"{"data":{}}"#, #"{"node":1}"#, #"{"session":[]}"#, "{} {}"] {
            #expect(CentrifugeJSON.emulationRequest(bytes(bad).span) == nil)
        }
    }

    @Test func truncatedAtEveryByte() {
        let input = bytes(
            #"{"id":1,"connect":{"token":"a\u00e9€","data":{"x":[1]},"subs":{"c":{"recover":true,"offset":12}}}}"#)
        for length in 0..<input.count {
            #expect(CentrifugeJSON.command(input.span.extracting(first: length)) == nil)
        }
        #expect(CentrifugeJSON.command(input.span) != nil)
    }
}
