// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

/// Both codecs against what the SDK makes of the same content.
struct ProtobufEncodingTests {
    private static let info = CentrifugeClientInfo(
        user: "u", client: "x", connectionInfo: bytes(#"{"name":"é"}"#), channelInfo: bytes("[1]"))

    private static var publications: [Publication] {
        var second = Publication(channel: "chat:é", data: bytes(#"{"a":"b"}"#), info: self.info.json, offset: 9)
        second.tags = bytes(#"{"k":"v","l":""}"#)
        return [Publication(channel: "chat:é", data: bytes("1"), offset: 8), second]
    }

    private static var connectResult: CentrifugeReply.ConnectResult {
        var result = CentrifugeReply.ConnectResult(client: "id", version: "1.0")
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
        (result.session, result.node) = ("s", "n")
        return result
    }

    private static var subscribeResult: CentrifugeReply.SubscribeResult {
        var result = CentrifugeReply.SubscribeResult()
        result.expiresIn = 5
        result.recoverable = true
        result.positioned = true
        result.position = StreamPosition(offset: 9, epoch: "e")
        result.publications = self.publications
        result.recovered = true
        result.wasRecovering = true
        result.data = bytes("[]")
        result.delta = true
        return result
    }

    private static var replies: [String: (UInt32, CentrifugeReply)] {
        [
            "connect": (1, .connect(self.connectResult)),
            "subscribe": (300, .subscribe(self.subscribeResult)),
            "subscribed": (1, .subscribe(.init())),
            "unsubscribe": (1, .unsubscribe),
            "publish": (1, .publish),
            "pong": (1, .ping),
            "presence": (1, .presence(["y": .init(user: "", client: "y"), "x": self.info])),
            "nobody": (1, .presence([:])),
            "presence_stats": (1, .presenceStats(clients: 2, users: 1)),
            "no_stats": (1, .presenceStats(clients: 0, users: 0)),
            "history": (1, .history(self.publications, top: .init(offset: 9, epoch: "e"))),
            "no_history": (1, .history([], top: .init())),
            "rpc": (1, .rpc(data: bytes("null"))),
            "no_answer": (1, .rpc(data: nil)),
            "refresh": (1, .refresh(.init(client: "c", version: "v", expiresIn: 9))),
            "sub_refresh": (1, .subRefresh(expiresIn: 3)),
            "no_expiry": (1, .subRefresh(expiresIn: nil)),
            "error": (1, .error(.internalError)),
        ]
    }

    private static var pushes: [String: CentrifugePush] {
        var subscription = CentrifugeReply.SubscribeResult()
        subscription.recoverable = true
        subscription.positioned = true
        subscription.position = StreamPosition(offset: 7, epoch: "e")
        subscription.data = bytes("1")
        return [
            "publication": .publication(self.publications[1]),
            "join": .join(channel: "c", self.info),
            "leave": .leave(channel: "c", self.info),
            "unsubscribe": .unsubscribe(channel: "c", .insufficientState),
            "subscribe": .subscribe(channel: "c", subscription),
            "message": .message(data: bytes(#"{"a":1}"#)),
            "connect": .connect(self.connectResult),
            "disconnect": .disconnect(.shutdown),
            "refresh": .refresh(expiresIn: 7),
        ]
    }

    @Test func pings() {
        #expect(ProtobufFixtures.replies["ping"]?.bytes == CentrifugeProtobuf.ping)
        #expect(ProtobufFixtures.replies["ping"]?.json == text(CentrifugeJSON.ping))
    }

    @Test func replies() {
        let replies = Self.replies
        #expect(Set(replies.keys).union(["ping"]) == Set(ProtobufFixtures.replies.keys))
        for (name, (id, reply)) in replies {
            #expect(text(CentrifugeJSON.encode(reply, id: id)) == ProtobufFixtures.replies[name]?.json, "\(name)")
            #expect(CentrifugeProtobuf.encode(reply, id: id) == ProtobufFixtures.replies[name]?.bytes, "\(name)")
        }
    }

    @Test func pushes() {
        let pushes = Self.pushes
        #expect(Set(pushes.keys) == Set(ProtobufFixtures.pushes.keys))
        for (name, push) in pushes {
            #expect(text(CentrifugeJSON.encode(push)) == ProtobufFixtures.pushes[name]?.json, "\(name)")
            #expect(CentrifugeProtobuf.encode(push) == ProtobufFixtures.pushes[name]?.bytes, "\(name)")
            #expect(text(CentrifugeJSON.encodeBare(push)) == ProtobufFixtures.barePushes[name]?.json, "\(name)")
            #expect(CentrifugeProtobuf.encodeBare(push) == ProtobufFixtures.barePushes[name]?.bytes, "\(name)")
        }
    }

    /// Joins and leaves as a bus delivers them are what they are as pushes.
    @Test func joinsAndLeavesOfTheBus() {
        for kind in [Publication.Kind.join, .leave] {
            var publication = Publication(channel: "c", data: [], info: Self.info.json)
            publication.kind = kind
            let name = kind == .join ? "join" : "leave"
            #expect(text(CentrifugeJSON.publicationPush(publication)) == ProtobufFixtures.pushes[name]?.json)
            #expect(CentrifugeProtobuf.publicationPush(publication) == ProtobufFixtures.pushes[name]?.bytes)
            #expect(text(CentrifugeJSON.barePublicationPush(publication)) == ProtobufFixtures.barePushes[name]?.json)
            #expect(CentrifugeProtobuf.barePublicationPush(publication) == ProtobufFixtures.barePushes[name]?.bytes)
        }
    }

    /// What is written by hand is what the library writes in a history, whatever the sizes.
    @Test func publicationsOfAllSizes() {
        for size in [
            0, 1, 5, 100, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 16_383, 70_000,
        ] {
            for offset in [nil, 1, 127, 128, UInt64.max] as [UInt64?] {
                let data = bytes("\"" + String(repeating: "x", count: size) + "\"")
                let publication = Publication(channel: "c", data: data, info: Self.info.json, offset: offset)
                let push = CentrifugeProtobuf.publicationPush(publication)
                // A history of it in a reply: the same body in other envelopes.
                let history = CentrifugeProtobuf.encode(.history([publication], top: .init()), id: 0)
                let body = Self.body(history, envelopes: 2)
                #expect(body.count > size)
                #expect(Self.body(push, envelopes: 1).dropFirst(3) == Self.field(4, body))
            }
        }
    }

    /// What stands inside the length and so many fields around it.
    private static func body(_ message: [UInt8], envelopes: Int) -> [UInt8] {
        var rest = Self.afterVarint(message[...])
        for _ in 0..<envelopes { rest = Self.afterVarint(rest.dropFirst()) }
        return Array(rest)
    }

    private static func afterVarint(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        bytes.drop { $0 >= 0x80 }.dropFirst()
    }

    private static func field(_ number: UInt8, _ content: [UInt8]) -> ArraySlice<UInt8> {
        var length: [UInt8] = []
        var rest = content.count
        while rest >= 0x80 {
            length.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return ([number << 3 | 2] + length + [UInt8(rest)] + content)[...]
    }

    /// What others left in a publication that is not what it should be is left out.
    @Test(arguments: ["", "1", "[]", "{", #"{"user":1}"#, #"{"user":"u","client":[]}"#])
    func strangeInfo(_ info: String) {
        #expect(CentrifugeClientInfo(bytes(info).span) == nil)
        let with = Publication(channel: "c", data: bytes("1"), info: bytes(info))
        let without = Publication(channel: "c", data: bytes("1"))
        #expect(CentrifugeProtobuf.publicationPush(with) == CentrifugeProtobuf.publicationPush(without))
    }

    @Test func clientInfoOfJSON() {
        #expect(CentrifugeClientInfo(Self.info.json.span) == Self.info)
        let json = bytes(#" { "client" : "c", "conn_info": null, "else": {} } "#)
        #expect(CentrifugeClientInfo(json.span) == CentrifugeClientInfo(user: "", client: "c"))
    }

    @Test func tagsThatAreStrings() {
        let json = bytes(#"{"a":"1","b":2,"\u0063":"\n","d":"\ud800"}"#)
        let strings = JSONScanner.strings(json.span)
        #expect(strings.map(\.key) == ["a", "c"])
        #expect(strings.map(\.value) == ["1", "\n"])
        #expect(JSONScanner.strings(bytes("[\"a\"]").span).isEmpty)
        #expect(JSONScanner.strings(bytes("{").span).isEmpty)
    }
}
