// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

struct CentrifugeEncodingTests {
    private func reply(_ reply: CentrifugeReply, id: UInt32 = 1) -> String {
        text(CentrifugeJSON.encode(reply, id: id))
    }
    private func push(_ push: CentrifugePush) -> String { text(CentrifugeJSON.encode(push)) }

    @Test func connect() {
        var result = CentrifugeReply.ConnectResult(client: "id")
        #expect(self.reply(.connect(result)) == #"{"id":1,"connect":{"client":"id"}}"#)
        result.version = "1.0"
        result.expiresIn = 60
        result.data = bytes(#"{"a":1}"#)
        var subscription = CentrifugeReply.SubscribeResult()
        result.subscriptions = ["b": subscription]
        subscription.recoverable = true
        subscription.positioned = true
        subscription.position = StreamPosition(offset: 7, epoch: "e")
        result.subscriptions["a\""] = subscription
        result.pingInterval = 25
        result.wantsPong = true
        result.session = "s"
        result.node = "n"
        #expect(
            self.reply(.connect(result))
                == #"{"id":1,"connect":{"client":"id","version":"1.0","expires":true,"ttl":60,"data":{"a":1},"#
                + #""subs":{"a\"":{"recoverable":true,"epoch":"e","offset":7,"positioned":true},"b":{}},"#
                + #""ping":25,"pong":true,"session":"s","node":"n"}}"#)
    }

    @Test func subscribe() {
        var result = CentrifugeReply.SubscribeResult()
        #expect(self.reply(.subscribe(result), id: 7) == #"{"id":7,"subscribe":{}}"#)
        result.expiresIn = 5
        result.recoverable = true
        result.positioned = true
        result.position = StreamPosition(offset: 9, epoch: "e")
        result.publications = [
            Publication(channel: "c", data: bytes("1"), offset: 8),
            Publication(channel: "c", data: bytes("2"), info: bytes(#"{"user":"u","client":"x"}"#), offset: 9),
        ]
        result.recovered = true
        result.wasRecovering = true
        result.data = bytes("[]")
        result.delta = true
        #expect(
            self.reply(.subscribe(result))
                == #"{"id":1,"subscribe":{"expires":true,"ttl":5,"recoverable":true,"epoch":"e","publications":"#
                + #"[{"data":1,"offset":8},{"data":2,"info":{"user":"u","client":"x"},"offset":9}],"recovered":true,"#
                + #""offset":9,"positioned":true,"data":[],"was_recovering":true,"delta":true}}"#)
    }

    @Test func emptyResultsAreThere() {
        #expect(self.reply(.unsubscribe) == #"{"id":1,"unsubscribe":{}}"#)
        #expect(self.reply(.publish) == #"{"id":1,"publish":{}}"#)
        #expect(self.reply(.ping) == #"{"id":1,"ping":{}}"#)
        #expect(self.reply(.rpc(data: nil)) == #"{"id":1,"rpc":{}}"#)
        #expect(self.reply(.subRefresh(expiresIn: nil)) == #"{"id":1,"sub_refresh":{}}"#)
        #expect(self.reply(.presence([:])) == #"{"id":1,"presence":{"presence":{}}}"#)
        #expect(
            self.reply(.presenceStats(clients: 0, users: 0))
                == #"{"id":1,"presence_stats":{"num_clients":0,"num_users":0}}"#)
        #expect(
            self.reply(.history([], top: StreamPosition()))
                == #"{"id":1,"history":{"publications":[],"epoch":"","offset":0}}"#)
    }

    @Test func others() {
        #expect(self.reply(.rpc(data: bytes("null"))) == #"{"id":1,"rpc":{"data":null}}"#)
        #expect(
            self.reply(.refresh(.init(client: "c", version: "v", expiresIn: 9)))
                == #"{"id":1,"refresh":{"client":"c","version":"v","expires":true,"ttl":9}}"#)
        #expect(self.reply(.subRefresh(expiresIn: 3)) == #"{"id":1,"sub_refresh":{"expires":true,"ttl":3}}"#)
        let info = CentrifugeClientInfo(user: "", client: "x", connectionInfo: bytes("1"), channelInfo: bytes("2"))
        #expect(
            self.reply(.presence(["x": info]))
                == #"{"id":1,"presence":{"presence":{"x":{"user":"","client":"x","conn_info":1,"chan_info":2}}}}"#)
        #expect(
            self.reply(
                .history([Publication(channel: "c", data: bytes("1"), offset: 3)], top: .init(offset: 3, epoch: "e")))
                == #"{"id":1,"history":{"publications":[{"data":1,"offset":3}],"epoch":"e","offset":3}}"#)
    }

    @Test func errors() {
        #expect(
            self.reply(.error(.permissionDenied)) == #"{"id":1,"error":{"code":103,"message":"permission denied"}}"#)
        #expect(
            self.reply(.error(.internalError))
                == #"{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}"#)
        #expect(
            self.reply(.error(code: 400, message: "my \"own\"", isTemporary: false))
                == #"{"id":1,"error":{"code":400,"message":"my \"own\""}}"#)
        #expect(CentrifugeError.allCases.map(\.code) == Array(100...113))
        #expect(CentrifugeError.allCases.filter(\.isTemporary).map(\.code) == [100, 111, 113])
        #expect(Set(CentrifugeError.allCases.map(\.text)).count == 14)
    }

    @Test func publications() {
        var publication = Publication(channel: "chat:1", data: bytes(#"{"a":1}"#))
        #expect(self.push(.publication(publication)) == #"{"push":{"channel":"chat:1","pub":{"data":{"a":1}}}}"#)
        publication.channel = #"a"\b"#
        publication.info = CentrifugeClientInfo(user: "u", client: "c").json
        publication.offset = 12
        #expect(
            text(CentrifugeJSON.publicationPush(publication))
                == #"{"push":{"channel":"a\"\\b","pub":{"data":{"a":1},"info":{"user":"u","client":"c"},"offset":12}}}"#
        )
        publication.offset = .max
        #expect(text(CentrifugeJSON.publicationPush(publication)).contains("18446744073709551615"))
    }

    @Test func pushes() {
        let info = CentrifugeClientInfo(user: "u", client: "c")
        #expect(
            self.push(.join(channel: "x", info))
                == #"{"push":{"channel":"x","join":{"info":{"user":"u","client":"c"}}}}"#)
        #expect(
            self.push(.leave(channel: "x", info))
                == #"{"push":{"channel":"x","leave":{"info":{"user":"u","client":"c"}}}}"#)
        #expect(
            self.push(.unsubscribe(channel: "x", .insufficientState))
                == #"{"push":{"channel":"x","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#)
        #expect(
            self.push(.unsubscribe(channel: "x", code: 0, reason: ""))
                == #"{"push":{"channel":"x","unsubscribe":{"code":0,"reason":""}}}"#)
        #expect(self.push(.message(data: bytes("1"))) == #"{"push":{"message":{"data":1}}}"#)
        #expect(self.push(.subscribe(channel: "x", .init())) == #"{"push":{"channel":"x","subscribe":{}}}"#)
        #expect(self.push(.refresh(expiresIn: 7)) == #"{"push":{"refresh":{"expires":true,"ttl":7}}}"#)
        #expect(
            self.push(.disconnect(.shutdown))
                == #"{"push":{"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}}"#)
        #expect(
            self.push(.disconnect(.sessionRevoked))
                == #"{"push":{"disconnect":{"code":4500,"reason":"session revoked"}}}"#)
        #expect(text(CentrifugeJSON.ping) == "{}")
    }

    @Test func unsubscribeCodes() {
        #expect(UnsubscribeCode.allCases.map(\.code) == [2000, 2500, 2501, 2502])
        #expect(UnsubscribeCode.allCases.map(\.mayResubscribe) == [false, true, true, true])
    }

    /// Whatever names and reasons hold, a message is JSON on one line.
    @Test func isAlwaysOneLineOfJSON() {
        let nasty = "\u{0}\n\r\"\\\u{2028}é😀"
        let publication = Publication(channel: nasty, data: bytes("1"))
        let info = CentrifugeClientInfo(user: nasty, client: nasty)
        let messages = [
            CentrifugeJSON.publicationPush(publication), CentrifugeJSON.encode(.join(channel: nasty, info)),
            CentrifugeJSON.encode(.unsubscribe(channel: nasty, code: 1, reason: nasty)),
            CentrifugeJSON.encode(.error(code: 1, message: nasty, isTemporary: true), id: 1),
            CentrifugeJSON.encode(.presence([nasty: info]), id: 1), JSONRPC.publication(publication),
            EventStreamBody.publication(publication), JSONRPC.gap(channel: nasty),
        ]
        for message in messages {
            #expect(JSONScanner.document(message.span) != nil)
            #expect(!message.contains { $0 < 0x20 })
        }
    }
}
