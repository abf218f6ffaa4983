// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

@Suite("Answers of the API")
struct APIAnswerTests {
    private static let reach = NodeReach(nodes: [.init(node: "n1", name: "a", count: 2)])

    private func answer(_ result: APIResult) -> String { text(APIAnswer.result(result)) }

    @Test func ofPublications() {
        #expect(self.answer(.publish(nil)) == #"{"result":{}}"#)
        #expect(
            self.answer(.publish(StreamPosition(offset: 3, epoch: "e"))) == #"{"result":{"offset":3,"epoch":"e"}}"#)
        #expect(
            self.answer(
                .broadcast([
                    .success(StreamPosition(offset: 1, epoch: "e")), .failure(APIError(.unknownChannel)), .success(nil),
                ]))
                == #"{"result":{"responses":[{"result":{"offset":1,"epoch":"e"}},"#
                + #"{"error":{"code":102,"message":"unknown channel"}},{"result":{}}]}}"#)
        var publication = Publication(channel: "c", data: bytes("1"), info: bytes(#"{"user":"u"}"#), offset: 4)
        publication.tags = bytes(#"{"k":"v"}"#)
        #expect(
            self.answer(.history([publication], top: StreamPosition(offset: 4, epoch: "e")))
                == #"{"result":{"publications":[{"data":1,"info":{"user":"u"},"offset":4,"tags":{"k":"v"}}],"#
                + #""epoch":"e","offset":4}}"#)
        #expect(
            self.answer(.history([], top: StreamPosition()))
                == #"{"result":{"publications":[],"epoch":"","offset":0}}"#)
    }

    @Test func ofUsersAndChannels() {
        #expect(
            self.answer(.reached(Self.reach)) == #"{"result":{"nodes":[{"node":"n1","name":"a","count":2}]}}"#)
        #expect(
            self.answer(.presence(["k": bytes(#"{"user":"u","client":"k"}"#)]))
                == #"{"result":{"presence":{"k":{"user":"u","client":"k"}}}}"#)
        #expect(self.answer(.presenceStats(clients: 2, users: 1)) == #"{"result":{"num_clients":2,"num_users":1}}"#)
        #expect(
            self.answer(.channels(["b": 1, "a": 2], NodeReach()))
                == #"{"result":{"channels":{"a":{"num_clients":2},"b":{"num_clients":1}},"nodes":[]}}"#)
        let connection = ConnectionInfo(
            client: "k", user: "u", transport: "websocket", proto: "json", channels: ["c"], node: "n1")
        #expect(
            self.answer(.connections([connection], NodeReach()))
                == #"{"result":{"connections":{"k":{"transport":"websocket","protocol":"json","user":"u","node":"n1","#
                + #""state":{"channels":{"c":{}}}}},"nodes":[]}}"#)
    }

    @Test func ofTheRest() {
        #expect(text(APIAnswer.done) == self.answer(.done))
        #expect(self.answer(.rpc(bytes("1"))) == #"{"result":{"data":1}}"#)
        #expect(
            text(APIAnswer.error(APIError(.unknownChannel))) == #"{"error":{"code":102,"message":"unknown channel"}}"#)
        #expect(
            self.answer(.revoked(RevocationReceipt(id: "i", isDurable: false)))
                == #"{"result":{"id":"i","durable":false,"receipt":"i"}}"#)
        let place = EventPosition.kafka(topic: "t", partition: 0, offset: 7)
        #expect(
            self.answer(.revoked(RevocationReceipt(id: "i", isDurable: true, position: place)))
                == #"{"result":{"id":"i","durable":true,"receipt":"kafka:t:0:7","topic":"t","partition":0,"offset":7}}"#
        )
        let entry = EventPosition.redis(StreamID(milliseconds: 1_700_000_000_000, sequence: 3))
        #expect(
            self.answer(.revoked(RevocationReceipt(id: "i", isDurable: true, position: entry)))
                == #"{"result":{"id":"i","durable":true,"receipt":"redis:1700000000000-3","#
                + #""stream_id":"1700000000000-3"}}"#)
        let node = NodeInfo(
            uid: "u", name: "n", version: "v", clients: 1, users: 2, channels: 3, subscriptions: 4, uptime: 5,
            capacity: 6, state: "ready")
        #expect(
            self.answer(.info([node], NodeReach()))
                == #"{"result":{"nodes":[{"uid":"u","name":"n","version":"v","num_clients":1,"num_users":2,"#
                + #""num_channels":3,"num_subs":4,"uptime":5,"capacity":6,"state":"ready"}]}}"#)
    }

    @Test func aPartIsAnErrorWithWhatWasDone() {
        var reach = Self.reach
        reach.unanswered = [.init(node: "n2", name: "b", reason: "silent")]
        let error = #""error":{"code":100,"message":"1 of 2 nodes gave no answer: b (silent)"}"#
        let unanswered = #""unanswered":[{"node":"n2","name":"b","reason":"silent"}]"#
        #expect(
            self.answer(.reached(reach))
                == #"{\#(error),"result":{"nodes":[{"node":"n1","name":"a","count":2}],\#(unanswered)}}"#)
        #expect(self.answer(.info([], reach)) == #"{"result":{"nodes":[],\#(unanswered)}}"#)
        #expect(
            text(APIAnswer.batch([(.disconnect, .success(.reached(reach)))]))
                == #"{"replies":[{\#(error),"disconnect":{"nodes":[{"node":"n1","name":"a","count":2}],\#(unanswered)}}]}"#
        )
    }

    @Test func ofABatch() {
        #expect(text(APIAnswer.batch([])) == #"{"replies":[]}"#)
        #expect(
            text(
                APIAnswer.batch([
                    (.publish, .success(.publish(nil))), (nil, .failure(APIError(.methodNotFound))),
                    (.presenceStats, .success(.presenceStats(clients: 0, users: 0))),
                ]))
                == #"{"replies":[{"publish":{}},{"error":{"code":104,"message":"method not found"}},"#
                + #"{"presence_stats":{"num_clients":0,"num_users":0}}]}"#)
    }
}
