// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletCore
import MartletProtocol
import NIOHTTP1
import Testing

@Suite struct APITests {
    private static let unauthorized = 401

    private static var keyed: ControlConfiguration {
        var configuration = ControlConfiguration()
        configuration.apiKeys = APIKeys(["first", "second-key"])
        return configuration
    }

    @Test func everyMethodAnswersInTheEnvelope() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client in
            let published = try await client.post("/api/publish", #"{"channel":"news:a","data":{"x": [1,2]}}"#)
            #expect(published.status == 200)
            #expect(published.headers.first(name: "Content-Type") == "application/json")
            #expect(published.body == #"{"result":{}}"#)

            let disconnected = try await client.post(
                "/api/disconnect", #"{"user":"u1","session":"s1","disconnect":{"code":4100,"reason":"bye"}}"#)
            #expect(disconnected.body == #"{"result":{"nodes":[{"node":"n1","name":"fake","count":1}]}}"#)

            let revoked = try await client.post("/api/revoke", #"{"user":"u1","before":1700000000,"reason":"fired"}"#)
            #expect(revoked.body == #"{"result":{"id":"r-1","durable":false,"receipt":"r-1"}}"#)

            let info = try await client.post("/api/info", "{}")
            #expect(info.body.hasPrefix(#"{"result":{"nodes":[{"uid":"n1","name":"fake","version":"0.1.0","#))
            #expect(try await client.post("/api/info", "").status == 200)
        }
        #expect(
            operations.published == [.init(channel: "news:a", message: .init(data: Array(#"{"x": [1,2]}"#.utf8)))])
        let recorded = operations.recorded
        guard recorded.count > 2, case .disconnect(let disconnect) = recorded[1] else {
            Issue.record("\(recorded)")
            return
        }
        #expect(disconnect.selection.session == "s1" && disconnect.notice.code == 4100)
        #expect(recorded[2] == .revoke(.init(target: .user("u1"), before: 1_700_000_000, reason: "fired")))
    }

    @Test(arguments: [
        ("subscribe", #"{"user":"u","channel":"c"}"#, #"{"nodes":[{"node":"n1","name":"fake","count":1}]}"#),
        ("unsubscribe", #"{"user":"u","channel":"c"}"#, #"{"nodes":[{"node":"n1","name":"fake","count":1}]}"#),
        ("refresh", #"{"user":"u"}"#, #"{"nodes":[{"node":"n1","name":"fake","count":1}]}"#),
        ("connections", #"{"user":"u"}"#, #"{"connections":{},"nodes":[{"node":"n1","name":"fake","count":1}]}"#),
        ("channels", "", #"{"channels":{"a":{"num_clients":2}},"nodes":[{"node":"n1","name":"fake","count":1}]}"#),
        ("presence", #"{"channel":"c"}"#, #"{"presence":{"k":{"user":"u","client":"k"}}}"#),
        ("presence_stats", #"{"channel":"c"}"#, #"{"num_clients":2,"num_users":1}"#),
        ("history_remove", #"{"channel":"c"}"#, "{}"),
        ("publish", #"{"channel":"kept","data":1}"#, #"{"offset":1,"epoch":"e"}"#),
    ])
    func theOtherMethods(method: String, body: String, result: String) async throws {
        try await ControlClient.serving(.development, FakeOperations()) { client async throws in
            #expect(try await client.post("/api/\(method)", body).body == #"{"result":\#(result)}"#)
        }
    }

    @Test func aDrainTellsHowFarItIs() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client in
            let status =
                #"{"node":"n1","name":"fake","phase":"ending","connections":2,"connections_at_start":4,"#
                + #""seconds_left":1.5}"#
            #expect(try await client.post("/api/drain", "").body == #"{"result":\#(status)}"#)
            let undone = try await client.post("/api/drain", #"{"node":"n1","undo":true}"#)
            #expect(undone.body == #"{"result":\#(status)}"#)
            #expect(try await client.post("/api/drain", #"{"look":true}"#).body == undone.body)
            #expect(try await client.post("/api/drain", #"{"node":"unknown"}"#).body.contains(#""code":107"#))
            #expect(try await client.post("/api/drain", #"{"undo":1}"#).body.contains("undo is neither true nor false"))
            let long = String(repeating: "n", count: 257)
            #expect(try await client.post("/api/drain", #"{"node":"\#(long)"}"#).body.contains(#""code":107"#))
        }
        #expect(operations.recorded.first == .drain(APIRequest.Drain()))
        #expect(operations.recorded[1] == .drain(APIRequest.Drain(node: "n1", undo: true)))
        #expect(operations.recorded[2] == .drain(APIRequest.Drain(look: true)))
        #expect(DrainStatus(FakeOperations.draining.json.span) == FakeOperations.draining)
        #expect(DrainStatus(Array("{}".utf8).span) == nil)
    }

    @Test func theNodesAreForThoseWithAKey() async throws {
        try await ControlClient.serving(Self.keyed, FakeOperations()) { client in
            #expect(try await client.get("/api/nodes").status == Self.unauthorized)
            let answer = try await client.get("/api/nodes", ["X-API-Key": "first"])
            #expect(answer.status == 200 && answer.body.hasPrefix(#"{"result":{"#))
        }
    }

    @Test func aBatchHasNoEnvelope() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client in
            let commands =
                #"{"publish":{"channel":"kept","data":1}},{"publish":{"channel":"unknown","data":1}},{"fly":{}},"#
                + #"{"publish":{}},{"broadcast":{"channels":["a","kept"],"data":1}},{"presence_stats":{"channel":"c"}}"#
            let replies =
                #"{"publish":{"offset":1,"epoch":"e"}},{"error":{"code":102,"message":"unknown channel"}},"#
                + #"{"error":{"code":104,"message":"method not found"}},"#
                + #"{"error":{"code":107,"message":"bad request: channel is missing"}},"#
                + #"{"broadcast":{"responses":[{"result":{}},{"result":{"offset":1,"epoch":"e"}}]}},"#
                + #"{"presence_stats":{"num_clients":2,"num_users":1}}"#
            for parallel in ["", #""parallel":true,"#] {
                let answer = try await client.post("/api/batch", #"{\#(parallel)"commands":[\#(commands)]}"#)
                #expect(answer.body == #"{"replies":[\#(replies)]}"#)
            }
            #expect(try await client.post("/api/batch", #"{"commands":[]}"#).body == #"{"replies":[]}"#)
            #expect(try await client.post("/api/batch", "{}").body.contains(#""code":107"#))
            let many = (0..<1_000).map { #"{"publish":{"channel":"n\#($0)","data":1}}"# }.joined(separator: ",")
            _ = try await client.post("/api/batch", #"{"commands":[\#(many)]}"#)
        }
        // One after the other where it is not said that they may overtake.
        #expect(operations.published.map(\.channel).suffix(1_000) == (0..<1_000).map { "n\($0)" })
    }

    @Test func aPartThatWasDoneIsAnErrorWithTheRest() async throws {
        try await ControlClient.serving(.development, FakeOperations()) { client in
            let answer = try await client.post("/api/disconnect", #"{"user":"silent"}"#)
            #expect(answer.status == 200)
            #expect(
                answer.body
                    == #"{"error":{"code":100,"message":"1 of 2 nodes gave no answer: mute (no answer)"},"#
                    + #""result":{"nodes":[{"node":"n1","name":"fake","count":1}],"#
                    + #""unanswered":[{"node":"n2","name":"mute","reason":"no answer"}]}}"#)
            let mapped = try await client.post(
                "/api/disconnect", #"{"user":"silent"}"#, ["X-Centrifugo-Error-Mode": "transport"])
            #expect(mapped.status == 500)
            #expect(mapped.body == answer.body)
        }
    }

    @Test func aBroadcastSaysWhatBecameOfEachChannel() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client in
            let answer = try await client.post("/api/broadcast", #"{"channels":["a","unknown","b"],"data":1}"#)
            let error = #"{"error":{"code":102,"message":"unknown channel"}}"#
            #expect(answer.body == #"{"result":{"responses":[{"result":{}},\#(error),{"result":{}}]}}"#)

            let names = (0..<1_000).map { "\"c\($0)\"" }.joined(separator: ",")
            let many = try await client.post("/api/broadcast", #"{"channels":[\#(names)],"data":1}"#)
            #expect(many.body.split(separator: #""result":{}"#).count == 1_001)
        }
        #expect(Set(operations.published.map(\.channel)).count == 1_003)
    }

    @Test func aReceiptHasThePlaceInTheLog() async throws {
        let position = EventPosition.kafka(topic: "sessions", partition: 2, offset: 40)
        let operations = FakeOperations(receipt: RevocationReceipt(id: "r-2", isDurable: true, position: position))
        try await ControlClient.serving(.development, operations) { client in
            let answer = try await client.post("/api/revoke", #"{"session":"s1"}"#)
            let expected =
                #"{"result":{"id":"r-2","durable":true,"receipt":"kafka:sessions:2:40","#
                + #""topic":"sessions","partition":2,"offset":40}}"#
            #expect(answer.body == expected)
        }
    }

    @Test func receiptsAndSessionsHaveAddresses() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client in
            let status =
                #"{"result":{"id":"kafka:a:0:7","applied":true,"closes_queued":0,"closes_done":0,"#
                + #""nodes":[{"node":"n1","name":"fake","state":"replayed"}]}}"#
            for path in ["/api/revocations/kafka:a:0:7", "/api/revocations/kafka%3Aa%3A0%3A7"] {
                #expect(try await client.get(path).body == status)
            }
            #expect(try await client.post("/api/revocations", #"{"id":"kafka:a:0:7"}"#).body == status)
            let session = try await client.get("/api/sessions/a%2Fb%20%25")
            #expect(session.status == 200 && session.body == #"{"result":{"session":"a/b %","nodes":[]}}"#)
        }
        #expect(operations.recorded.last == .explain(.init(.session, "a/b %")))
        try await ControlClient.serving(Self.keyed, operations) { client async throws in
            for path in ["/api/revocations/x", "/api/sessions/x"] {
                #expect(try await client.get(path).status == 401)
            }
        }
    }

    @Test func theOldFormIsServed() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client in
            let command = #"{"method":"publish","params":{"channel":"a","data":null}}"#
            #expect(try await client.post("/api", command).body == #"{"result":{}}"#)
            #expect(try await client.post("/api", #"{"method":"info"}"#).body.hasPrefix(#"{"result":{"nodes""#))
            let unknown = try await client.post("/api", #"{"method":"fly"}"#)
            #expect(unknown.status == 200)
            #expect(unknown.body.contains(#""code":104"#))
            #expect(try await client.post("/api", "[]").body.contains(#""code":107"#))
            let several =
                #"{"id":7,"method":"fly"}"# + "\n" + #"{"id":8,"method":"presence_stats","params":{"channel":"c"}}"#
            let answers =
                #"{"id":7,"error":{"code":104,"message":"method not found"}}"# + "\n"
                + #"{"id":8,"result":{"num_clients":2,"num_users":1}}"#
            #expect(try await client.post("/api", several).body == answers)
            #expect(try await client.post("/api", "").body.contains(#""code":107"#))
        }
        #expect(operations.published == [.init(channel: "a", message: .init(data: Array("null".utf8)))])
    }

    @Test func errorsAreInTheEnvelopeUnlessTheTransportIsToSayThem() async throws {
        try await ControlClient.serving(.development, FakeOperations()) { client in
            let cases = [
                ("/api/publish", #"{"channel":"away","data":1}"#, 100, 500),
                ("/api/publish", #"{"channel":"unknown","data":1}"#, 102, 404),
                ("/api/publish", #"{"channel":"a"}"#, 107, 400),
                ("/api/publish", #"{"channel":"a","data":"#, 107, 400),
                ("/api/publish", "not JSON", 107, 400),
                ("/api/revoke", #"{"user":"u","session":"s"}"#, 107, 400),
                ("/api/history", #"{"channel":"a"}"#, 112, 416),
                ("/api/rpc", #"{"method":"m"}"#, 104, 404),
                ("/api/connections", #"{"user":"u","expression":"x"}"#, 108, 400),
                ("/api/disconnect", #"{"user":""}"#, 107, 400),
            ]
            for (path, body, code, status) in cases {
                let plain = try await client.post(path, body)
                #expect(plain.status == 200)
                #expect(plain.body.hasPrefix(#"{"error":{"code":\#(code),"#), "\(plain.body)")
                let mapped = try await client.post(path, body, ["X-Centrifugo-Error-Mode": "transport"])
                #expect(mapped.status == status)
                #expect(mapped.body == plain.body)
            }
        }
    }

    @Test func anUnknownMethodIsNotFound() async throws {
        try await ControlClient.serving(.development, FakeOperations()) { client in
            let answer = try await client.post("/api/fly", "{}")
            #expect(answer.status == 404)
            #expect(answer.body == #"{"error":{"code":104,"message":"method not found"}}"#)
            #expect(try await client.get("/nothing").status == 404)
        }
    }

    @Test func aKeyComesInThreeWays() async throws {
        try await ControlClient.serving(Self.keyed, FakeOperations()) { client async throws in
            #expect(try await client.post("/api/info", "{}", ["X-API-Key": "first"]).status == 200)
            #expect(try await client.post("/api/info", "{}", ["X-API-Key": "second-key"]).status == 200)
            #expect(try await client.post("/api/info", "{}", ["Authorization": "apikey second-key"]).status == 200)
            #expect(try await client.post("/api/info?api_key=second%2Dkey", "{}").status == 200)
            #expect(try await client.get("/api/overview", ["X-API-Key": "first"]).status == 200)
            // With keys the rules of development mode do not apply: any host, any content type.
            let curl: HTTPHeaders = [
                "X-API-Key": "first", "Host": "martlet.example.com", "Content-Type": "application/octet-stream",
            ]
            #expect(try await client.post("/api/info", "{}", curl).status == 200)
        }
    }

    @Test func aMissingOrWrongKeyIsRefused() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(Self.keyed, operations) { client async throws in
            let body = #"{"channel":"a","data":1}"#
            let wrong: [HTTPHeaders] = [
                [:], ["X-API-Key": ""], ["X-API-Key": "firs"], ["X-API-Key": "firstfirst"],
                ["X-API-Key": "FIRST"], ["Authorization": "Bearer first"], ["Authorization": "apikey"],
                ["Authorization": "apikey nothing"],
            ]
            for headers in wrong {
                #expect(try await client.post("/api/publish", body, headers).status == Self.unauthorized, "\(headers)")
            }
            #expect(try await client.post("/api/publish?api_key=wrong", body).status == Self.unauthorized)
            #expect(try await client.post("/api", #"{"method":"info"}"#).status == Self.unauthorized)
            #expect(try await client.post("/api/fly", "{}").status == Self.unauthorized)
            #expect(try await client.get("/api/overview").status == Self.unauthorized)
        }
        #expect(operations.published.isEmpty)
    }

    @Test func withoutKeysNobodyIsAdmitted() async throws {
        var configuration = ControlConfiguration()
        configuration.apiKeys = APIKeys([""])
        try await ControlClient.serving(configuration, FakeOperations()) { client async throws in
            #expect(try await client.post("/api/info", "{}").status == Self.unauthorized)
            #expect(try await client.post("/api/info", "{}", ["X-API-Key": ""]).status == Self.unauthorized)
        }
    }

    @Test func aBodyIsBounded() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client async throws in
            let frame = #"{"channel":"a","data":""}"#.utf8.count
            func body(bytes: Int) -> String {
                #"{"channel":"a","data":"\#(String(repeating: "x", count: bytes - frame))"}"#
            }
            #expect(try await client.post("/api/publish", body(bytes: 1_048_576)).body == #"{"result":{}}"#)
            #expect(try await client.post("/api/publish", body(bytes: 1_048_577)).status == 413)
        }
        #expect(operations.published.count == 1)
    }

    @Test func theAPICanBeSwitchedOff() async throws {
        var configuration = Self.keyed
        configuration.apiEnabled = false
        configuration.consoleEnabled = true
        try await ControlClient.serving(configuration, FakeOperations()) { client async throws in
            #expect(try await client.post("/api/info", "{}", ["X-API-Key": "first"]).status == 404)
            #expect(try await client.get("/api/overview", ["X-API-Key": "first"]).status == 404)
            #expect(try await client.get("/").status == 404)
            #expect(try await client.get("/healthz").status == 200)
        }
    }

    @Test func tokensForTheDemoAreMadeInDevelopmentModeOnly() async throws {
        let body = #"{"user":"Ada","session":"s1"}"#
        try await ControlClient.serving(.development, FakeOperations()) { client in
            let answer = try await client.post("/api/demo_token", body)
            #expect(answer.body == #"{"result":{"token":"token of Ada in s1"}}"#)
            #expect(try await client.post("/api/demo_token", #"{"user":"Ada"}"#).body.contains(#""code":107"#))
            let long = String(repeating: "x", count: 257)
            let tooLong = try await client.post("/api/demo_token", #"{"user":"\#(long)","session":"s"}"#)
            #expect(tooLong.body.contains(#""code":107"#))
        }
        try await ControlClient.serving(Self.keyed, FakeOperations()) { client async throws in
            #expect(try await client.post("/api/demo_token", body, ["X-API-Key": "first"]).status == 404)
        }
    }
}
