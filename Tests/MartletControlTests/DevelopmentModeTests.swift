// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import NIOHTTP1
import Testing

@Suite struct DevelopmentModeTests {
    private static let paths = ["/", "/demo/", "/api/overview", "/metrics", "/healthz", "/settings.json"]

    @Test(arguments: [
        "evil.example", "evil.example:9000", "127.0.0.1.evil.example", "localhost.evil.example:9000",
        "192.168.1.5:9000", "[2001:db8::1]:9000", "localhost:", "127.1", "0.0.0.0:9000", "[::1", "127.0.0.256",
    ])
    func aHostThatIsNotLoopbackIsRefused(host: String) async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client in
            for path in Self.paths {
                #expect(try await client.get(path, ["Host": host]).status == 403, "\(path)")
            }
            let publish = try await client.post("/api/publish", #"{"channel":"a","data":1}"#, ["Host": host])
            #expect(publish.status == 403)
        }
        #expect(operations.published.isEmpty)
    }

    @Test(arguments: ["localhost", "LOCALHOST:9000", "127.0.0.1:9000", "127.9.8.7", "[::1]", "[::1]:9000"])
    func aLoopbackHostIsServed(host: String) async throws {
        try await ControlClient.serving(.development, FakeOperations()) { client async throws in
            for path in Self.paths {
                #expect(try await client.get(path, ["Host": host]).status == 200, "\(path)")
            }
            #expect(try await client.post("/api/info", "{}", ["Host": host]).status == 200)
        }
    }

    @Test(arguments: [
        "https://evil.example", "http://localhost.evil.example", "null", "file://", "http://10.0.0.1",
        "http://127.0.0.1@evil.example", "localhost", "http://localhost/path", "chrome-extension://localhost",
    ])
    func aForeignOriginIsRefused(origin: String) async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client in
            let answer = try await client.post("/api/publish", #"{"channel":"a","data":1}"#, ["Origin": origin])
            #expect(answer.status == 403)
            #expect(answer.headers.first(name: "Access-Control-Allow-Origin") == nil)
            #expect(try await client.get("/api/overview", ["Origin": origin]).status == 403)
        }
        #expect(operations.published.isEmpty)
    }

    @Test(arguments: ["http://localhost:3000", "https://127.0.0.1:8443", "http://[::1]:9000"])
    func aLoopbackOriginIsServedButNotAllowedToRead(origin: String) async throws {
        try await ControlClient.serving(.development, FakeOperations()) { client in
            let answer = try await client.post("/api/info", "{}", ["Origin": origin])
            #expect(answer.status == 200)
            #expect(answer.headers.first(name: "Access-Control-Allow-Origin") == nil)
        }
    }

    @Test func theAPITakesJSONOnly() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(.development, operations) { client in
            let body = #"{"channel":"a","data":1}"#
            let others = [
                "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", "",
            ]
            for type in others {
                let answer = try await client.post("/api/publish", body, ["Content-Type": type])
                #expect(answer.status == 415, "\(type)")
            }
            #expect(try await client.send(.POST, "/api/publish", [:], body).status == 415)
            for type in ["application/json", "Application/JSON; charset=utf-8"] {
                let answer = try await client.post("/api/publish", body, ["Content-Type": type])
                #expect(answer.status == 200, "\(type)")
            }
        }
        #expect(operations.published.count == 2)
    }

    @Test func aPreflightIsNotAnswered() async throws {
        try await ControlClient.serving(.development, FakeOperations()) { client in
            let headers: HTTPHeaders = [
                "Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            ]
            let answer = try await client.send(.OPTIONS, "/api/publish", headers, nil)
            #expect(answer.status >= 400)
            #expect(!answer.headers.contains { $0.name.lowercased().hasPrefix("access-control-") })
        }
    }
}
