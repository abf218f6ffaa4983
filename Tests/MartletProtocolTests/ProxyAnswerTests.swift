// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

@Suite struct ProxyAnswerTests {
    private func answer(_ method: ProxyMethod, _ json: String) -> ProxyAnswer? {
        try? ProxyAnswer(method, bytes(json).span)
    }

    private func what(_ method: ProxyMethod, _ json: String) -> String? {
        do throws(ProxyAnswer.Malformed) {
            _ = try ProxyAnswer(method, bytes(json).span)
            return nil
        } catch { return error.what }
    }

    @Test func connectGivesAnIdentity() throws {
        let body = #"""
            {"result": {"user": "56", "expire_at": 1900000000, "info": {"name":
             "A"}, "data": {"x": 1}, "meta": {"m": 2}, "sid": "s1", "jti": "j1",
             "claims": {"tenant": "t9", "groups": ["a", 7], "none": null},
             "channels": ["news", "own"], "unknown": [1, {"y": null}],
             "subs": {"own": {"info": {"i": 1}, "data": {"d": 1}, "override": {"presence": {"value": true},
              "join_leave": {"value": false}, "force_recovery": {}, "force_positioning": null, "other": 1}}}}}
            """#
        guard case .connect(let result) = self.answer(.connect, body) else {
            Issue.record("no result")
            return
        }
        #expect(result.user == "56")
        #expect(result.expiresAt == 1_900_000_000)
        #expect(result.info.map(text) == #"{"name": "A"}"#)
        #expect(result.data.map(text) == #"{"x": 1}"#)
        #expect(result.meta.map(text) == #"{"m": 2}"#)
        #expect(result.claims.map { "\($0.name)=\($0.value)" } == ["tenant=t9", "groups=a", "groups=7"])
        #expect(result.subscriptions.map(\.channel) == ["own", "news"])
        let own = try #require(result.subscriptions.first)
        #expect(own.info.map(text) == #"{"i": 1}"#)
        #expect(own.data.map(text) == #"{"d": 1}"#)
        #expect(own.overrides.presence == true)
        #expect(own.overrides.joinLeave == false)
        #expect(own.overrides.forceRecovery == false)
        #expect(own.overrides.forcePositioning == nil)
        #expect(own.overrides.forceJoinLeave == nil)

        let identity = result.identity(askedAt: 1_800_000_000, indexing: ["groups"])
        #expect(identity.user == "56")
        #expect(identity.session == "s1")
        #expect(identity.token == "j1")
        #expect(identity.issuedAt == 1_800_000_000)
        #expect(identity.expiresAt == 1_900_000_000)
        #expect(identity.claims.map(\.value) == ["a", "7"])
        #expect(identity.channels == ["own", "news"])
    }

    @Test func connectWithoutAUserIsAnonymous() {
        guard case .connect(let result) = self.answer(.connect, #"{"result":{}}"#) else {
            Issue.record("no result")
            return
        }
        #expect(result.identity(askedAt: 1, indexing: []).isAnonymous)
        #expect(result.identity(askedAt: 1, indexing: []).expiresAt == nil)
    }

    @Test func payloadsMayComeInBase64() {
        // {"a":1} and: text
        let body = #"{"result":{"info":{"b":2},"b64info":"eyJhIjoxfQ==","b64data":"dGV4dA=="}}"#
        guard case .subscribe(let result) = self.answer(.subscribe, body) else {
            Issue.record("no result")
            return
        }
        #expect(result.info.map(text) == #"{"a":1}"#)
        #expect(result.data.map(text) == #""text""#)
        #expect(self.what(.subscribe, #"{"result":{"b64info":"?"}}"#) == "b64info is not base 64")
        #expect(
            self.what(.subscribe, #"{"result":{"b64info":"/w=="}}"#) == "b64info is not JSON or text in base 64")
        #expect(self.answer(.rpc, #"{"result":{"b64data":"eyJhIjoxfQ=="}}"#) == .rpc(data: bytes(#"{"a":1}"#)))
    }

    @Test func theOtherResults() {
        var refresh = ProxyAnswer.RefreshResult()
        refresh.expiresAt = 5
        refresh.info = bytes("{}")
        #expect(self.answer(.refresh, #"{"result":{"expire_at":5,"info":{}}}"#) == .refresh(refresh))
        #expect(self.answer(.subRefresh, #"{"result":{"expire_at":5,"info":{}}}"#) == .subRefresh(refresh))
        var expired = ProxyAnswer.RefreshResult()
        expired.isExpired = true
        #expect(self.answer(.refresh, #"{"result":{"expired":true}}"#) == .refresh(expired))
        var publish = ProxyAnswer.PublishResult()
        publish.data = bytes("[1]")
        publish.skipsHistory = true
        publish.tags = bytes(#"{"a":"b"}"#)
        publish.idempotencyKey = "k"
        publish.version = 3
        publish.versionEpoch = "e"
        let body =
            #"{"result":{"data":[1],"skip_history":true,"tags":{"a":"b"},"idempotency_key":"k","version":3,"#
            + #""version_epoch":"e"}}"#
        #expect(self.answer(.publish, body) == .publish(publish))
        #expect(self.answer(.publish, #"{"result":{}}"#) == .publish(.init()))
        #expect(self.answer(.rpc, #"{"result":{"data":{"sum":3}}}"#) == .rpc(data: bytes(#"{"sum":3}"#)))
        #expect(self.answer(.rpc, #"{"result":{"data":null}}"#) == .rpc(data: nil))
    }

    @Test(arguments: ProxyMethod.allCases) func everyMethodMayRefuse(_ method: ProxyMethod) {
        #expect(
            self.answer(method, #"{"error":{"code":1000,"message":"no","temporary":true}}"#)
                == .error(code: 1000, message: "no", isTemporary: true))
        #expect(
            self.answer(method, #"{"disconnect":{"code":4501,"reason":"go"}}"#)
                == .disconnect(code: 4501, reason: "go"))
        // What refuses wins, wherever it stands.
        #expect(
            self.answer(method, #"{"error":{"code":400},"result":{"user":"1"},"disconnect":{"code":4000}}"#)
                == .disconnect(code: 4000, reason: ""))
        #expect(
            self.answer(method, #"{"error":{"code":400},"result":{"user":"1"},"disconnect":null}"#)
                == .error(code: 400, message: "", isTemporary: false))
    }

    @Test func reasonsFitACloseFrame() {
        let long = String(repeating: "é", count: 200)
        let answer = self.answer(.rpc, #"{"disconnect":{"code":4000,"reason":"\#(long)"}}"#)
        #expect(answer == .disconnect(code: 4000, reason: String(repeating: "é", count: 61)))
    }

    @Test func nothingSaidPermitsNothing() {
        for method in [ProxyMethod.connect, .subscribe, .publish, .rpc] {
            for body in ["{}", #"{"result":null}"#, #"{"results":{"user":"1"}}"#] {
                #expect(self.what(method, body) == "neither result nor error nor disconnect")
            }
        }
        var expired = ProxyAnswer.RefreshResult()
        expired.isExpired = true
        #expect(self.answer(.refresh, "{}") == .refresh(expired))
        #expect(self.answer(.subRefresh, #"{"result":null}"#) == .subRefresh(expired))
    }

    @Test(arguments: [
        ("", "the body is not JSON"),
        ("<html>", "the body is not JSON"),
        ("[]", "the body is not an object"),
        (#"{"result":[]}"#, "result is not an object"),
        (#"{"result":{"user":56}}"#, "user is not a string"),
        (#"{"result":{"expire_at":"soon"}}"#, "expire_at is not a time in whole seconds since 1970"),
        (#"{"result":{"expire_at":1900000000000}}"#, "expire_at is not a time in whole seconds since 1970"),
        (#"{"result":{"channels":"news"}}"#, "channels is not an array"),
        (#"{"result":{"channels":[""]}}"#, "channels holds what is no name"),
        (#"{"result":{"subs":["news"]}}"#, "subs is not an object"),
        (#"{"result":{"subs":{"news":true}}}"#, "news is not an object"),
        (
            #"{"result":{"claims":{"tenant":{"id":1}}}}"#,
            "claim tenant is neither a string nor a number, nor a list of such"
        ),
        (#"{"error":{"message":"no"}}"#, "an error's code is not one of 100 to 1999"),
        (#"{"error":{"code":2000}}"#, "an error's code is not one of 100 to 1999"),
        (#"{"error":"no"}"#, "error is not an object"),
        (#"{"disconnect":{"code":1000}}"#, "a disconnect's code is not one of 3000 to 4999"),
    ])
    func badAnswersAreNamed(_ body: String, _ what: String) {
        #expect(self.what(.connect, body) == what)
    }

    @Test func namesThatWouldBeCutAreRefused() {
        let long = String(repeating: "x", count: Limits.claimBytesMax + 1)
        for field in ["user", "sid", "jti"] {
            #expect(self.what(.connect, #"{"result":{"\#(field)":"\#(long)"}}"#) == "\(field) is too long")
        }
    }

    @Test func noChangeOfAnAnswerTraps() {
        var generator = SeededGenerator(seed: 11)
        let whole = bytes(
            #"{"result":{"user":"5","expire_at":9,"info":{},"b64data":"eyJhIjoxfQ==","subs":{"a":{"override":{"#
                + #""presence":{"value":true}}}},"claims":{"a":["b",1]}},"error":{"code":400},"disconnect":{"code":4000}}"#
        )
        for cut in 0...whole.count {
            let part = Array(whole[..<cut])
            for method in ProxyMethod.allCases { _ = try? ProxyAnswer(method, part.span) }
        }
        for _ in 0..<3000 {
            let mutated = mutate(whole, using: &generator)
            for method in ProxyMethod.allCases { _ = try? ProxyAnswer(method, mutated.span) }
        }
    }
}
