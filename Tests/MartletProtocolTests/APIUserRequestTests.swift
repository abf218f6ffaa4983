// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

@Suite("Requests of the API about users and channels")
struct APIUserRequestTests {
    private func code(_ body: () throws -> Void) -> UInt32? {
        do { try body() } catch let error as APIError { return error.code } catch { return nil }
        return nil
    }

    @Test func revocationsAndExplain() throws {
        let receipt = try APIRequest.Revocations(bytes(#"{"id":"kafka:t:0:7"}"#).span)
        #expect(receipt.position == .kafka(topic: "t", partition: 0, offset: 7))
        #expect(try APIRequest.Revocations(receipt.json.span) == receipt)
        #expect(try APIRequest.Revocations(bytes(#"{"id":"e-1"}"#).span).position == nil)
        for (text, expected) in [
            (#"{"session":"s"}"#, APIRequest.Explain(.session, "s")), (#"{"user":"u","x":1}"#, .init(.user, "u")),
            (#"{"token":"t","user":null}"#, .init(.token, "t")),
        ] {
            let request = try APIRequest.Explain(bytes(text).span)
            #expect(request == expected)
            #expect(try APIRequest.Explain(request.json.span) == request)
        }
        for text in ["{}", #"{"id":""}"#, #"{"id":7}"#, "[]", "x"] {
            #expect(self.code { _ = try APIRequest.Revocations(bytes(text).span) } == 107)
        }
        for text in ["{}", #"{"session":""}"#, #"{"session":"s","user":"u"}"#, #"{"user":7}"#, "[]"] {
            #expect(self.code { _ = try APIRequest.Explain(bytes(text).span) } == 107)
        }
    }

    @Test func whatANodeTellsOfARevocationIsReadBack() {
        let nodes: [RevocationStatus.Node] = [
            .init(node: "n", name: "a \"b\"", state: .applied, appliedAt: 1.5, closes: .init(queued: 3, done: 2)),
            .init(node: "n", name: "a", state: .unknown, reason: "silent"),
            .init(node: "n", name: "", state: .replayed),
        ]
        for node in nodes {
            var writer = JSONWriter()
            node.write(to: &writer)
            #expect(RevocationStatus.Node(writer.bytes.span) == node)
        }
        for text in ["", "[]", "{}", #"{"state":"later"}"#, #"{"state":7}"#] {
            #expect(RevocationStatus.Node(bytes(text).span) == nil)
        }
    }

    @Test func disconnect() throws {
        let all = try APIRequest.Disconnect(
            bytes(
                #"{"user":"u","client":"c","session":"s","whitelist":["x","y"],"disconnect":{"code":4100,"reason":"bye"}}"#
            ).span)
        #expect(all.selection == APIRequest.Selection(user: "u", client: "c", session: "s"))
        #expect(all.keep == ["x", "y"])
        #expect(all.notice.code == 4100 && all.notice.text == "bye" && all.notice.mayReconnect)
        #expect(try APIRequest.Disconnect(all.json.span) == all)
        let least = try APIRequest.Disconnect(
            bytes(#"{"user":"u","client":"","disconnect":null,"whitelist":null}"#).span)
        #expect(least.selection == APIRequest.Selection(user: "u"))
        #expect(least.notice == CloseNotice(.forceDisconnect))
        #expect(try APIRequest.Disconnect(least.json.span) == least)
        let reason = try APIRequest.Disconnect(bytes(#"{"user":"u","disconnect":{"code":0,"reason":"r"}}"#).span)
        #expect(reason.notice.code == 3503 && reason.notice.text == "r")
    }

    @Test(arguments: [
        "{}", #"{"user":""}"#, #"{"user":1}"#, #"{"user":"u","whitelist":"x"}"#, #"{"user":"u","disconnect":1}"#,
        #"{"user":"u","disconnect":{"code":1000}}"#, #"{"user":"u","disconnect":{"code":5000}}"#,
        #"{"user":"u","disconnect":{"code":"4100"}}"#, #"{"user":"u","disconnect":{"code":3499}}"#,
        #"{"user":"u","disconnect":{"code":70000}}"#,
        #"{"user":"u","disconnect":{"reason":"\#(String(repeating: "x", count: 124))"}}"#,
    ])
    func badDisconnect(json: String) {
        #expect(self.code { _ = try APIRequest.Disconnect(bytes(json).span) } == 107)
    }

    @Test func subscribe() throws {
        let json =
            #"{"user":"u","channel":"c","client":"k","session":"s","info":{"a":1},"b64data":"eyJhIjoxfQ==","#
            + #""recover_since":{"offset":7,"epoch":"e"},"expire_at":1700000000,"override":{"presence":{"value":true},"#
            + #""join_leave":{"value":false},"force_recovery":{"value":true},"force_positioning":null,"#
            + #""force_push_join_leave":{"value":true}}}"#
        let request = try APIRequest.Subscribe(bytes(json).span)
        #expect(request.selection == APIRequest.Selection(user: "u", client: "k", session: "s"))
        #expect(request.channel == "c")
        #expect(request.info == bytes(#"{"a":1}"#) && request.data == bytes(#"{"a":1}"#))
        #expect(request.since == StreamPosition(offset: 7, epoch: "e"))
        #expect(request.expiresAt == 1_700_000_000)
        #expect(request.overrides.presence == true && request.overrides.joinLeave == false)
        #expect(request.overrides.forceRecovery == true && request.overrides.forcePositioning == nil)
        #expect(request.overrides.forceJoinLeave == true)
        #expect(try APIRequest.Subscribe(request.json.span) == request)
        let least = try APIRequest.Subscribe(bytes(#"{"user":"u","channel":"c","info":null,"expire_at":0}"#).span)
        #expect(least.info == nil && least.expiresAt == nil && least.since == nil)
        #expect(try APIRequest.Subscribe(least.json.span) == least)
    }

    @Test(arguments: [
        #"{"channel":"c"}"#, #"{"user":"u"}"#, #"{"user":"u","channel":"c","expire_at":-1}"#,
        #"{"user":"u","channel":"c","recover_since":7}"#, #"{"user":"u","channel":"c","recover_since":{"offset":-1}}"#,
        #"{"user":"u","channel":"c","override":[]}"#, #"{"user":"u","channel":"c","override":{"presence":true}}"#,
        #"{"user":"u","channel":"c","override":{"presence":{"value":1}}}"#,
        #"{"user":"u","channel":"c","b64info":"x"}"#,
    ])
    func badSubscribe(json: String) {
        #expect(self.code { _ = try APIRequest.Subscribe(bytes(json).span) } == 107)
    }

    @Test func unsubscribeAndRefreshAndConnections() throws {
        let unsubscribe = try APIRequest.Unsubscribe(bytes(#"{"user":"u","channel":"c","session":"s"}"#).span)
        #expect(unsubscribe.channel == "c" && unsubscribe.selection.session == "s")
        #expect(try APIRequest.Unsubscribe(unsubscribe.json.span) == unsubscribe)
        #expect(self.code { _ = try APIRequest.Unsubscribe(bytes(#"{"user":"u"}"#).span) } == 107)
        let refresh = try APIRequest.Refresh(
            bytes(#"{"user":"u","expired":true,"expire_at":1700000000,"info":[1],"client":"c"}"#).span)
        #expect(refresh.isExpired && refresh.expiresAt == 1_700_000_000 && refresh.info == bytes("[1]"))
        #expect(try APIRequest.Refresh(refresh.json.span) == refresh)
        let connections = try APIRequest.Connections(bytes(#"{"user":"u","expression":""}"#).span)
        #expect(try APIRequest.Connections(connections.json.span) == connections)
        #expect(self.code { _ = try APIRequest.Connections(bytes(#"{"user":"u","expression":"x"}"#).span) } == 108)
    }

    @Test func history() throws {
        let request = try APIRequest.History(
            bytes(#"{"channel":"c","limit":-1,"since":{"offset":3,"epoch":"e"},"reverse":true}"#).span)
        #expect(request.limit == nil && request.isReverse)
        #expect(request.since == StreamPosition(offset: 3, epoch: "e"))
        #expect(try APIRequest.History(bytes(#"{"channel":"c"}"#).span).limit == 0)
        #expect(try APIRequest.History(bytes(#"{"channel":"c","limit":5}"#).span).limit == 5)
        #expect(self.code { _ = try APIRequest.History(bytes(#"{"channel":"c","limit":"5"}"#).span) } == 107)
        #expect(self.code { _ = try APIRequest.History(bytes(#"{"limit":5}"#).span) } == 107)
    }

    @Test func channelsAndRPC() throws {
        #expect(try APIRequest.Channels(bytes("{}").span).pattern == nil)
        let channels = try APIRequest.Channels(bytes(#"{"pattern":"a*"}"#).span)
        #expect(channels.pattern?.matches("abc") == true)
        #expect(try APIRequest.Channels(channels.json.span) == channels)
        #expect(self.code { _ = try APIRequest.Channels(bytes(#"{"pattern":"[a"}"#).span) } == 107)
        let long = String(repeating: "a", count: 256)
        #expect(self.code { _ = try APIRequest.Channels(bytes(#"{"pattern":"\#(long)"}"#).span) } == 107)
        let rpc = try APIRequest.RPC(bytes(#"{"method":"m","params":{"a":1}}"#).span)
        #expect(rpc.method == "m" && rpc.params == bytes(#"{"a":1}"#))
        #expect(self.code { _ = try APIRequest.RPC(bytes("{}").span) } == 107)
    }

    @Test func batch() throws {
        let batch = try APIRequest.Batch(
            bytes(
                #"{"parallel":true,"commands":[{"publish":{"channel":"c","data":1}},{"fly":{}},{"batch":{}},{},"#
                    + #"{"info":null,"presence_stats":{"channel":"c"}}]}"#
            ).span)
        #expect(batch.isParallel)
        #expect(batch.commands.map(\.method) == [.publish, nil, nil, nil, .presenceStats])
        #expect(batch.commands.first?.body == bytes(#"{"channel":"c","data":1}"#))
        let many = Array(repeating: "{}", count: APIRequest.commandsMax + 1).joined(separator: ",")
        for json in ["{}", #"{"commands":{}}"#, #"{"commands":[1]}"#, #"{"commands":[\#(many)]}"#] {
            #expect(self.code { _ = try APIRequest.Batch(bytes(json).span) } == 107)
        }
    }

    @Test(arguments: APIMethod.allCases) func everyFieldOfTheWrongTypeIsRefusedOrTaken(method: APIMethod) {
        // Names alone, so that a field that is read but not listed is found by the assertion in the reader.
        for field in method.fields {
            let name = field.split(separator: ".").first ?? ""
            for value in ["1", "-1", "1e400", "true", #""x""#, "[]", "[1]", "{}", "null"] {
                let body = bytes(#"{"\#(name)":\#(value),"user":"u","channel":"c","channels":["c"],"data":1}"#)
                switch method {
                case .publish: _ = try? APIRequest.Publish(body.span)
                case .broadcast: _ = try? APIRequest.Broadcast(body.span)
                case .subscribe: _ = try? APIRequest.Subscribe(body.span)
                case .unsubscribe: _ = try? APIRequest.Unsubscribe(body.span)
                case .disconnect: _ = try? APIRequest.Disconnect(body.span)
                case .refresh: _ = try? APIRequest.Refresh(body.span)
                case .connections: _ = try? APIRequest.Connections(body.span)
                case .presence, .presenceStats, .historyRemove: _ = try? APIRequest.Channel(body.span)
                case .history: _ = try? APIRequest.History(body.span)
                case .channels: _ = try? APIRequest.Channels(body.span)
                case .batch: _ = try? APIRequest.Batch(body.span)
                case .rpc: _ = try? APIRequest.RPC(body.span)
                case .revoke: _ = try? APIRequest.Revoke(body.span)
                case .drain: _ = try? APIRequest.Drain(body.span)
                case .revocations: _ = try? APIRequest.Revocations(body.span)
                case .explain: _ = try? APIRequest.Explain(body.span)
                case .info: break
                }
            }
        }
    }
}
