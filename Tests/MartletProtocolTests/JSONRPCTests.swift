// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

struct JSONRPCTests {
    private func decode(_ json: String) -> JSONRPCMessage {
        let input = bytes(json)
        return JSONRPC.decode(input.span)
    }

    private func single(_ id: String?, _ call: JSONRPCRequest.Call) -> JSONRPCMessage {
        .single(JSONRPCRequest(id: id.map(bytes), call: call))
    }

    @Test func methods() {
        #expect(
            self.decode(#"{"jsonrpc":"2.0","id":1,"method":"connect","params":{"token":"t"}}"#)
                == self.single("1", .connect(token: "t")))
        for params in ["", #","params":{}"#, #","params":null"#, #","params":{"token":null}"#] {
            #expect(
                self.decode(#"{"jsonrpc":"2.0","id":1,"method":"connect"\#(params)}"#)
                    == self.single("1", .connect(token: nil)))
        }
        #expect(
            self.decode(#"{"jsonrpc":"2.0","id":"a","method":"refresh","params":{"token":"t"}}"#)
                == self.single(#""a""#, .refresh(token: "t")))
        #expect(
            self.decode(#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"c","more":1}}"#)
                == self.single("1", .subscribe(.init(channel: "c"))))
        #expect(
            self.decode(#"{"params":{"channel":"c"},"method":"unsubscribe","id":1,"jsonrpc":"2.0"}"#)
                == self.single("1", .unsubscribe(channel: "c")))
        #expect(
            self.decode(
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"publish\",\"params\":{\"channel\":\"c\",\"data\":{\n}}}")
                == self.single("1", .publish(channel: "c", data: bytes("{}"))))
        #expect(
            self.decode(#"{"jsonrpc":"2.0","id":1,"method":"publish","params":{"channel":"c","data":null}}"#)
                == self.single("1", .publish(channel: "c", data: bytes("null"))))
        #expect(self.decode(#"{"jsonrpc":"2.0","method":"ping"}"#) == self.single(nil, .ping))
    }

    @Test func subscriptions() {
        var subscribe = JSONRPCRequest.Subscribe(channel: "c")
        subscribe.recovers = true
        let head = #"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"c""#
        #expect(self.decode(head + #","recover":true,"since":null}}"#) == self.single("1", .subscribe(subscribe)))
        subscribe.since = StreamPosition(offset: .max, epoch: "e")
        subscribe.joinLeave = true
        subscribe.token = "t"
        let since = #"{"epoch":"e","offset":18446744073709551615,"more":[]}"#
        #expect(
            self.decode(head + #","since":\#(since),"recover":false,"join_leave":true,"token":"t"}}"#)
                == self.single("1", .subscribe(subscribe)))
        #expect(
            self.decode(#"{"jsonrpc":"2.0","id":1,"method":"refresh","params":{"channel":"c","token":"t"}}"#)
                == self.single("1", .refreshSubscription(channel: "c", token: "t")))
    }

    @Test func reading() {
        var history = JSONRPCRequest.History(channel: "c")
        let head = #"{"jsonrpc":"2.0","id":1,"method":"history","params":{"channel":"c""#
        #expect(self.decode(head + "}}") == self.single("1", .history(history)))
        history.limit = 0
        history.isReverse = true
        history.since = StreamPosition(offset: 0, epoch: "")
        #expect(
            self.decode(head + #","limit":0,"reverse":true,"since":{"offset":0,"epoch":""}}}"#)
                == self.single("1", .history(history)))
        for (method, call) in [
            ("presence", JSONRPCRequest.Call.presence(channel: "c")), ("presence_stats", .presenceStats(channel: "c")),
        ] {
            #expect(
                self.decode(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{"channel":"c"}}"#)
                    == self.single("1", call))
        }
    }

    @Test(arguments: ["1", "-1.5", "null", #""x\u0041é""#, "12345678901234567890"])
    func idsComeBackAsTheyWere(_ id: String) {
        #expect(self.decode(#"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#) == self.single(id, .ping))
        #expect(text(JSONRPC.result(id: bytes(id))) == #"{"jsonrpc":"2.0","id":\#(id),"result":{}}"#)
    }

    @Test(arguments: ["{}", "[]", "true", #""\ud800""#, "\"" + String(repeating: "x", count: 255) + "\""])
    func idsThatAreNone(_ id: String) {
        #expect(
            self.decode(#"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#)
                == self.single("null", .invalid(.invalidRequest)))
    }

    @Test(arguments: ["", "x", "{", #"{"jsonrpc":"2.0","method":"ping"}{}"#, "[1,", "{}\u{0}"])
    func notJSON(_ json: String) {
        #expect(self.decode(json) == .invalid(.parseError))
    }

    @Test(arguments: ["1", "null", #""x""#, "[]"])
    func notARequest(_ json: String) {
        #expect(self.decode(json) == .invalid(.invalidRequest))
    }

    @Test func invalidRequests() {
        for json in [
            #"{"id":1}"#, #"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, #"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
            #"{"id":1,"method":"ping"}"#, #"{"jsonrpc":"2.0","id":1,"method":1}"#,
            #"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ] {
            #expect(self.decode(json) == self.single("1", .invalid(.invalidRequest)))
        }
        #expect(self.decode("{}") == self.single("null", .invalid(.invalidRequest)))
        #expect(
            self.decode(#"{"jsonrpc":"2.0","id":1,"method":"survey"}"#) == self.single("1", .invalid(.methodNotFound)))
    }

    @Test(arguments: [
        ("subscribe", "", "channel is missing"), ("subscribe", #","params":{"channel":""}"#, "channel is empty"),
        ("subscribe", #","params":{"channel":1}"#, "channel is not a string"),
        ("subscribe", #","params":["c"]"#, "an object is expected"),
        ("connect", #","params":"t""#, "an object is expected"),
        ("connect", #","params":{"token":1}"#, "token is not a string"),
        ("connect", #","params":{"token":""}"#, "token is empty"), ("refresh", #","params":{}"#, "token is missing"),
        ("publish", #","params":{"channel":"c"}"#, "data is missing"),
        ("publish", #","params":{"data":1}"#, "channel is missing"),
        ("unsubscribe", "", "channel is missing"), ("history", "", "channel is missing"),
        ("presence", #","params":{"channel":[]}"#, "channel is not a string"),
        ("presence_stats", #","params":{"channel":""}"#, "channel is empty"),
        ("refresh", #","params":{"token":"t","channel":1}"#, "channel is not a string"),
        ("subscribe", #","params":{"channel":"c","token":""}"#, "token is empty"),
        ("subscribe", #","params":{"channel":"c","recover":1}"#, "recover is not true or false"),
        ("subscribe", #","params":{"channel":"c","join_leave":"x"}"#, "join_leave is not true or false"),
        ("subscribe", #","params":{"channel":"c","since":1}"#, "since is not a position with offset and epoch"),
        (
            "subscribe", #","params":{"channel":"c","since":{"offset":1}}"#,
            "since is not a position with offset and epoch"
        ),
        (
            "history", #","params":{"channel":"c","since":{"offset":-1,"epoch":"e"}}"#,
            "since is not a position with offset and epoch"
        ),
        ("history", #","params":{"channel":"c","limit":-1}"#, "limit is not a number from 0 up"),
        ("history", #","params":{"channel":"c","limit":1.5}"#, "limit is not a number from 0 up"),
        ("history", #","params":{"channel":"c","limit":18446744073709551615}"#, "limit is not a number from 0 up"),
        ("history", #","params":{"channel":"c","reverse":0}"#, "reverse is not true or false"),
    ])
    func invalidParams(_ method: String, _ params: String, _ what: String) {
        #expect(
            self.decode(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)"\#(params)}"#)
                == self.single("1", .invalid(.invalidParams(what))))
    }

    @Test func batches() {
        let ping = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
        let request = JSONRPCRequest(id: bytes("1"), call: .ping)
        #expect(self.decode("[\(ping)]") == .batch([request]))
        let broken = JSONRPCRequest(id: bytes("null"), call: .invalid(.invalidRequest))
        #expect(self.decode("[\(ping),1,[],\(ping)]") == .batch([request, broken, broken, request]))
        let most = Array(repeating: ping, count: JSONRPC.batchMax).joined(separator: ",")
        #expect(self.decode("[\(most)]") == .batch(Array(repeating: request, count: JSONRPC.batchMax)))
        #expect(self.decode("[\(most),\(ping)]") == .invalid(.invalidRequest))
    }

    @Test func truncatedAtEveryByte() {
        let input = bytes(#"[{"jsonrpc":"2.0","id":"é","method":"publish","params":{"channel":"c","data":[1]}}]"#)
        for length in 0..<input.count {
            #expect(JSONRPC.decode(input.span.extracting(first: length)) == .invalid(.parseError))
        }
    }

    @Test func answers() {
        #expect(text(JSONRPC.result(id: bytes("1"), bytes("[2]"))) == #"{"jsonrpc":"2.0","id":1,"result":[2]}"#)
        #expect(
            text(JSONRPC.error(id: JSONRPC.nullID, .parseError))
                == #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}"#)
        #expect(
            text(JSONRPC.error(id: bytes("1"), JSONRPCError(.permissionDenied)))
                == #"{"jsonrpc":"2.0","id":1,"error":{"code":103,"message":"permission denied"}}"#)
        #expect(text(JSONRPC.batch([bytes("{}"), bytes("{}")])) == "[{},{}]")
        #expect(
            text(JSONRPC.connectResult(client: "c", version: "v", expiresIn: 0))
                == #"{"client":"c","version":"v","ttl":0}"#)
        #expect(
            text(JSONRPC.connectResult(client: "c", version: "v", expiresIn: nil)) == #"{"client":"c","version":"v"}"#)
        #expect(text(JSONRPC.refreshResult(expiresIn: 5)) == #"{"ttl":5}"#)
        #expect(text(JSONRPC.refreshResult(expiresIn: nil)) == "{}")
    }

    @Test func notifications() {
        let publication = Publication(
            channel: "c\"", data: bytes(#"{"a":1}"#), info: bytes(#"{"user":"u","client":"x"}"#), offset: 0)
        #expect(
            text(JSONRPC.publication(publication))
                == #"{"jsonrpc":"2.0","method":"publication","params":{"channel":"c\"","data":{"a":1},"#
                + #""info":{"user":"u","client":"x"},"offset":0}}"#)
        #expect(text(JSONRPC.gap(channel: "c")) == #"{"jsonrpc":"2.0","method":"gap","params":{"channel":"c"}}"#)
    }

    @Test func resultsOfStreams() {
        let position = StreamPosition(offset: 9, epoch: "e\"")
        let place = #""position":{"offset":9,"epoch":"e\""}"#
        var publication = Publication(channel: "c", data: bytes("1"), info: bytes("{}"), offset: 9)
        publication.epoch = "e"
        publication.tags = bytes(#"{"k":"v"}"#)
        let listed =
            #"[{"data":1,"info":{},"tags":{"k":"v"},"offset":9},{"data":1,"info":{},"tags":{"k":"v"},"offset":9}]"#
        #expect(
            text(JSONRPC.subscribeResult(position: position, recovered: true, [publication, publication]))
                == #"{\#(place),"recovered":true,"publications":\#(listed)}"#)
        #expect(text(JSONRPC.subscribeResult(position: position, recovered: nil, [])) == "{\(place)}")
        #expect(
            text(JSONRPC.historyResult([publication, publication], top: position))
                == #"{\#(place),"publications":\#(listed)}"#)
        #expect(text(JSONRPC.historyResult([], top: position)) == #"{\#(place),"publications":[]}"#)
        #expect(text(JSONRPC.publishResult(position: nil)) == "{}")
        #expect(text(JSONRPC.publishResult(position: position)) == "{\(place)}")
        #expect(
            text(JSONRPC.publication(publication))
                == #"{"jsonrpc":"2.0","method":"publication","params":{"channel":"c","#
                + #""data":1,"info":{},"tags":{"k":"v"},"offset":9,"epoch":"e"}}"#)
    }

    @Test func presence() {
        #expect(text(JSONRPC.presenceResult([])) == #"{"clients":[]}"#)
        #expect(
            text(JSONRPC.presenceResult([bytes(#"{"user":"a"}"#), bytes("{}")])) == #"{"clients":[{"user":"a"},{}]}"#)
        #expect(text(JSONRPC.presenceStatsResult(clients: 2, users: 1)) == #"{"clients":2,"users":1}"#)
        var join = Publication(channel: "c", data: [], info: bytes(#"{"user":"a"}"#))
        join.kind = .join
        let params = #""params":{"channel":"c","info":{"user":"a"}}}"#
        #expect(text(JSONRPC.publication(join)) == #"{"jsonrpc":"2.0","method":"join",\#(params)"#)
        join.kind = .leave
        #expect(text(JSONRPC.publication(join)) == #"{"jsonrpc":"2.0","method":"leave",\#(params)"#)
    }

    @Test func whatTheServerDoesToSubscriptions() {
        #expect(
            text(JSONRPC.unsubscribed(channel: "c", code: 2500, reason: "insufficient state"))
                == #"{"jsonrpc":"2.0","method":"unsubscribed","params":"#
                + #"{"channel":"c","code":2500,"reason":"insufficient state"}}"#)
    }

    @Test func eventStreamBodies() {
        let publication = Publication(channel: "c", data: bytes("1"))
        #expect(text(EventStreamBody.publication(publication)) == #"{"channel":"c","data":1}"#)
        #expect(text(EventStreamBody.gap(channel: "c")) == #"{"channel":"c"}"#)
        #expect(
            text(EventStreamBody.disconnect(CloseNotice(.rebalance)))
                == #"{"code":4001,"reason":"rebalance","reconnect":true}"#)
    }
}
