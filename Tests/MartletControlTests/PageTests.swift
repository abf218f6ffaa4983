// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletControl
import NIOHTTP1
import Testing

@Suite struct PageTests {
    @Test func consoleAndDemoAreServedInDevelopmentMode() async throws {
        try await ControlClient.serving(.development, FakeOperations()) { client in
            for page in ControlPage.console + ControlPage.demo {
                let answer = try await client.get(page.path)
                #expect(answer.status == 200, "\(page.path)")
                #expect(answer.headers.first(name: "Content-Type") == page.contentType)
                #expect(answer.headers.first(name: "X-Content-Type-Options") == "nosniff")
                #expect(answer.headers.first(name: "Content-Security-Policy") == ControlPage.contentSecurityPolicy)
                #expect(Array(answer.body.utf8) == page.bytes)
            }
            #expect(try await client.get("/").body.contains("<title>Martlet console</title>"))
            #expect(try await client.get("/demo").body.contains("<title>Martlet demo</title>"))
        }
    }

    /// Pages refer to each other by relative paths, so that they work behind a prefix.
    @Test func everyFileThatAPageNamesIsServed() async throws {
        let named = /(?:href|src)="([a-z\/.]+\.(?:css|js))"/
        let pages = ControlPage.console + ControlPage.demo
        for page in pages where page.contentType.hasPrefix("text/html") {
            for match in String(decoding: page.bytes, as: UTF8.self).matches(of: named) {
                #expect(pages.contains { $0.path == page.path + match.1 }, "\(match.1)")
            }
        }
    }

    @Test func outsideDevelopmentModePagesAreOff() async throws {
        try await ControlClient.serving(ControlConfiguration(), FakeOperations()) { client async throws in
            for path in ["/", "/console/console.js", "/demo", "/demo/", "/demo/demo.js", "/settings.json"] {
                #expect(try await client.get(path).status == 404, "\(path)")
            }
        }
    }

    @Test func theConsoleCanBeSwitchedOnAlone() async throws {
        var configuration = ControlConfiguration()
        configuration.apiKeys = APIKeys(["k"])
        configuration.consoleEnabled = true
        try await ControlClient.serving(configuration, FakeOperations()) { client async throws in
            #expect(try await client.get("/").status == 200)
            #expect(try await client.get("/demo/").status == 404)
        }
    }

    @Test func thePagesLearnWhereToConnect() async throws {
        var configuration = ControlConfiguration.development
        configuration.publicAddress = "0.0.0.0:8123"
        configuration.version = "1.2.3"
        try await ControlClient.serving(configuration, FakeOperations()) { client in
            let answer = try await client.get("/settings.json")
            let settings = try #require(
                try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: any Sendable])
            #expect(settings["public_address"] as? String == "0.0.0.0:8123")
            #expect(settings["version"] as? String == "1.2.3")
            #expect(settings["development_mode"] as? Bool == true)
            #expect(settings["demo_enabled"] as? Bool == true)
        }
    }

    @Test func theOverviewIsWhatTheConsoleReads() async throws {
        try await ControlClient.serving(.development, FakeOperations()) { client in
            let answer = try await client.get("/api/overview")
            #expect(answer.headers.first(name: "Cache-Control") == "no-store")
            let overview = try #require(
                try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
            #expect(overview["capacity"] as? Int == 100)
            #expect((overview["connections"] as? [[String: Any]])?.first?["open"] as? Int == 2)
            #expect((overview["top_channels"] as? [[String: Any]])?.first?["name"] as? String == "news:today")
            #expect((overview["counters"] as? [String: Int])?["revoked_connections"] == 3)
            #expect((overview["readiness"] as? [String: Any])?["state"] as? String == "ready")
            #expect((overview["revocation_lag"] as? [String: Double])?["p99"] == 0.004)
        }
    }
}
