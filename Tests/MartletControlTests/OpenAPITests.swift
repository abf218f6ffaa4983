// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletControl
import MartletCore
import MartletProtocol
import NIOHTTP1
import Testing
import Yams

/// Holds the document of the API to the code: each knows every method and every field that the other knows.
@Suite("The API's document")
struct OpenAPITests {
    private typealias Object = [String: Any]

    private let document: [String: Any]

    init() async throws {
        let box = Received()
        try await ControlClient.serving(.development, FakeOperations()) { client in
            let answer = try await client.get("/openapi.yaml")
            #expect(answer.status == 200)
            #expect(answer.headers.first(name: "Content-Type") == "application/yaml")
            await box.take(answer.body)
        }
        self.document = try #require(try Yams.load(yaml: await box.text) as? Object)
    }

    private actor Received {
        var text = ""
        func take(_ text: String) { self.text = text }
    }

    @Test func isOfThisVersion() throws {
        #expect((self.document["info"] as? Object)?["version"] as? String == Version.current)
        #expect(self.document["openapi"] as? String == "3.1.0")
    }

    @Test func namesEveryMethodAndPath() throws {
        let paths = Set(try #require(self.document["paths"] as? Object).keys)
        let others: Set = [
            "/api", "/api/nodes", "/api/revocations/{id}", "/api/sessions/{id}", "/metrics", "/healthz", "/readyz",
            "/openapi.yaml", "/security-events", "/backchannel-logout",
        ]
        #expect(paths == others.union(APIMethod.allCases.map { "/api/\($0.rawValue)" }))
    }

    @Test func namesEveryError() throws {
        let code = try #require(self.schema("Error", "code"))
        #expect(code["enum"] as? [Int] == CentrifugeError.allCases.map { Int($0.code) })
        let text = try #require(code["description"] as? String)
        for error in CentrifugeError.allCases { #expect(text.contains("\(error.code) \(error.text)")) }
    }

    @Test(arguments: APIMethod.allCases) func namesEveryFieldOfARequest(method: APIMethod) throws {
        let body = try #require(self.operation(method)["requestBody"] as? Object)
        let content = try #require((body["content"] as? Object)?["application/json"] as? Object)
        let schema = try #require(content["schema"] as? Object)
        // Free-form objects are fields of their own, not what is in them.
        #expect(Set(self.fields(schema)) == Set(method.fields))
        #expect((content["examples"] as? Object)?.isEmpty == false)
    }

    @Test(arguments: APIMethod.allCases) func namesEveryFieldOfAnAnswer(method: APIMethod) throws {
        guard method != .batch else { return }
        let responses = try #require(self.operation(method)["responses"] as? Object)
        let content = try #require((responses["200"] as? Object)?["content"] as? Object)
        let schema = try #require((content["application/json"] as? Object)?["schema"] as? Object)
        let result = try #require((self.resolve(schema)["properties"] as? Object)?["result"] as? Object)
        var seen: Set<String> = []
        for example in Self.results(method) {
            let answer = try JSONSerialization.jsonObject(with: Data(APIAnswer.result(example)))
            self.walk(try #require((answer as? Object)?["result"]), result, "", &seen)
        }
        #expect(seen == Set(self.fields(result, throughMaps: true)))
    }

    @Test func namesEveryFieldOfTheNodes() async throws {
        let path = try #require((self.document["paths"] as? Object)?["/api/nodes"] as? Object)
        let responses = try #require((path["get"] as? Object)?["responses"] as? Object)
        let content = try #require((responses["200"] as? Object)?["content"] as? Object)
        let schema = try #require((content["application/json"] as? Object)?["schema"] as? Object)
        let box = Received()
        try await ControlClient.serving(.development, FakeOperations()) { client in
            await box.take(try await client.get("/api/nodes").body)
        }
        let answer = try JSONSerialization.jsonObject(with: Data(await box.text.utf8))
        var seen: Set<String> = []
        self.walk(answer, schema, "", &seen)
        #expect(seen == Set(self.fields(schema, throughMaps: true)))
    }

    @Test func aBatchAnswersWithEveryMethodsResult() throws {
        let replies = try #require(self.schema("BatchAnswer", "replies")?["items"] as? Object)
        let names = Set(try #require(replies["properties"] as? Object).keys)
        #expect(names == Set(APIMethod.allCases.filter(\.isBatchable).map(\.rawValue) + ["error"]))
    }

    // MARK: - Reading schemas

    private func operation(_ method: APIMethod) throws -> [String: Any] {
        let path = try #require((self.document["paths"] as? Object)?["/api/\(method.rawValue)"] as? Object)
        return try #require(path["post"] as? Object)
    }

    private func schema(_ name: String, _ property: String) -> [String: Any]? {
        let schema = self.resolve(["$ref": "#/components/schemas/\(name)"])
        return (schema["properties"] as? Object)?[property] as? Object
    }

    private func resolve(_ schema: [String: Any]) -> [String: Any] {
        guard let name = (schema["$ref"] as? String)?.split(separator: "/").last else { return schema }
        let schemas = (self.document["components"] as? Object)?["schemas"] as? Object
        return schemas?[String(name)] as? Object ?? [:]
    }

    /// The names of the leaves, with dots between the levels; an element of an array or a map is called `*`.
    private func fields(_ schema: [String: Any], throughMaps: Bool = false) -> [String] {
        let schema = self.resolve(schema)
        if let properties = schema["properties"] as? Object, !properties.isEmpty {
            return properties.flatMap { name, property -> [String] in
                let inner = self.fields(property as? Object ?? [:], throughMaps: throughMaps)
                return inner.isEmpty ? [name] : inner.map { "\(name).\($0)" }
            }
        }
        guard throughMaps, let element = schema["items"] as? Object ?? schema["additionalProperties"] as? Object else {
            return []
        }
        let inner = self.fields(element, throughMaps: true)
        return inner.isEmpty ? ["*"] : inner.map { "*.\($0)" }
    }

    /// Notes the leaves of a value, and that the schema knows them.
    private func walk(_ value: Any, _ schema: [String: Any], _ path: String, _ seen: inout Set<String>) {
        let schema = self.resolve(schema)
        let prefix = path.isEmpty ? "" : path + "."
        if let array = value as? [Any], let items = schema["items"] as? Object {
            for element in array { self.walk(element, items, prefix + "*", &seen) }
        } else if let object = value as? Object, let properties = schema["properties"] as? Object {
            for (name, member) in object {
                guard let property = properties[name] as? Object else {
                    Issue.record("the document does not know \(prefix)\(name)")
                    continue
                }
                self.walk(member, property, prefix + name, &seen)
            }
        } else if let object = value as? Object, let element = schema["additionalProperties"] as? Object {
            for member in object.values { self.walk(member, element, prefix + "*", &seen) }
        } else if !path.isEmpty {
            seen.insert(path)
        }
    }

    // MARK: - Results with everything that they can hold

    private static let reach = NodeReach(
        nodes: [.init(node: "n", name: "a", count: 1)],
        unanswered: [.init(node: "m", name: "b", reason: "silent")])

    private static func results(_ method: APIMethod) -> [APIResult] {
        let position = StreamPosition(offset: 1, epoch: "e")
        let info = Array(#"{"user":"u","client":"k","conn_info":1,"chan_info":2}"#.utf8)
        switch method {
        case .publish: return [.publish(position)]
        case .broadcast: return [.broadcast([.success(position), .failure(APIError(.internalError))])]
        case .subscribe, .unsubscribe, .disconnect, .refresh: return [.reached(self.reach)]
        case .connections:
            let connection = ConnectionInfo(
                client: "k", user: "u", transport: "t", proto: "p", channels: ["c"], node: "n")
            return [.connections([connection], self.reach)]
        case .presence: return [.presence(["k": info])]
        case .presenceStats: return [.presenceStats(clients: 1, users: 1)]
        case .history:
            var publication = Publication(channel: "c", data: Array("1".utf8), info: info, offset: 1)
            publication.tags = Array(#"{"k":"v"}"#.utf8)
            return [.history([publication], top: position)]
        case .historyRemove: return [.done]
        case .channels: return [.channels(["c": 1], self.reach)]
        case .info:
            let node = NodeInfo(
                uid: "n", name: "a", version: "1", clients: 1, users: 1, channels: 1, subscriptions: 1, uptime: 1,
                capacity: 1, state: "ready")
            return [.info([node], self.reach)]
        case .rpc: return [.rpc(Array("1".utf8))]
        case .revoke:
            let positions: [EventPosition] = [
                .kafka(topic: "t", partition: 0, offset: 1), .redis(StreamID(milliseconds: 1, sequence: 0)),
            ]
            return positions.map { .revoked(RevocationReceipt(id: "i", isDurable: true, position: $0)) }
        case .drain: return [.drain(FakeOperations.draining)]
        case .revocations:
            let node = RevocationStatus.Node(
                node: "n", name: "a", state: .applied, appliedAt: 1, closes: .init(queued: 1, done: 1), reason: "r")
            return [.revocation(RevocationStatus(id: "i", nodes: [node]))]
        case .explain: return APIRequest.Explain.Subject.allCases.map { .explained(self.explanation($0)) }
        case .batch: return []
        }
    }

    private static func explanation(_ subject: APIRequest.Explain.Subject) -> SessionExplanation {
        var node = SessionExplanation.Node(node: "n", name: "a")
        var connection = SessionExplanation.Connection(client: "k", transport: "t", proto: "p", user: "u")
        (connection.session, connection.token, connection.issuedAt, connection.expiresAt) = ("s", "t", 1, 2)
        node.connections = [connection]
        node.validations = [.init(session: "s", goodFor: 1, answer: "active", nextIn: 1)]
        var revocation = SessionExplanation.Revocation(
            target: "user", value: "u", before: 1, closeReason: "user_revoked", secondsLeft: 1)
        revocation.event = .init(id: "i", receipt: "kafka:t:0:1", at: 1, appliedAt: 2, source: "kafka", reason: "r")
        node.revocations = [revocation]
        node.floor = 1
        return SessionExplanation(
            subject: .init(subject, "x"), nodes: [node.json], unanswered: [.init(node: "m", name: "b", reason: "r")])
    }
}
