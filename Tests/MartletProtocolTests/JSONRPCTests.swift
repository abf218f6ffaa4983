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
                == self.single("1", .subscribe(channel: "c")))
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
            self.decode(#"{"jsonrpc":"2.0","id":1,"method":"history"}"#) == self.single("1", .invalid(.methodNotFound)))
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

    @Test func eventStreamBodies() {
        let publication = Publication(channel: "c", data: bytes("1"))
        #expect(text(EventStreamBody.publication(publication)) == #"{"channel":"c","data":1}"#)
        #expect(text(EventStreamBody.gap(channel: "c")) == #"{"channel":"c"}"#)
        #expect(
            text(EventStreamBody.disconnect(CloseNotice(.rebalance)))
                == #"{"code":4001,"reason":"rebalance","reconnect":true}"#)
    }
}
