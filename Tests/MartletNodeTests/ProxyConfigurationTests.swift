// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletEdge
import MartletProtocol
import MartletProxy
import Testing

@testable import MartletNode

@Suite struct ProxyConfigurationTests {
    private func read(_ text: String) throws -> NodeConfiguration {
        try ConfigurationReader.read(file: ("martlet.yaml", text))
    }

    private func problems(_ text: String) -> [String] {
        do {
            _ = try ConfigurationReader.read(file: ("martlet.yaml", text))
            return []
        } catch {
            return error.problems.map(\.message)
        }
    }

    private let connect = "proxy.connect.url: http://127.0.0.1/c\napi.keys: [k]\n"

    @Test func eachQuestionHasItsAddressAndItsTime() throws {
        let configuration = try self.read(
            """
            proxy:
              connect: {url: "http://127.0.0.1/c", timeout: 1s}
              sub_refresh: {url: "https://example.com/s"}
              timeout: 2s
              concurrency: 7
              headers: [Cookie, X-Real-IP]
              static_headers: {Authorization: secret}
            api.keys: [k]
            listen.origins: ["https://app.example.com"]
            """)
        let proxy = configuration.proxyConfiguration
        #expect(proxy.endpoints.count == 2)
        #expect(proxy.endpoints[.connect]?.timeout == .seconds(1))
        #expect(proxy.endpoints[.subRefresh]?.url == "https://example.com/s")
        #expect(proxy.endpoints[.subRefresh]?.timeout == .seconds(2))
        #expect(proxy.concurrencyMax == 7)
        #expect(proxy.staticHeaders == ["Authorization": "secret"])
        #expect(NodeRuntime.edgeConfiguration(configuration).proxyHeaders == ["cookie", "x-real-ip"])
    }

    @Test func aConnectProxyIsAuthentication() throws {
        #expect(try !self.read(self.connect).isDevelopment)
        #expect(try self.read("proxy.rpc.url: http://127.0.0.1/r\n").isDevelopment)
        let open = try self.read("listen.public: :8000\n" + self.connect)
        #expect(!open.admitsAnonymous)
    }

    @Test func aRightOfTheProxyNeedsIt() throws {
        let rights = "namespaces: [{name: chat, subscribe: proxy, publish: proxy}]\n"
        #expect(
            self.problems(self.connect + rights) == [
                "proxy.subscribe.url is missing: namespace chat says subscribe: proxy",
                "proxy.publish.url is missing: namespace chat says publish: proxy",
            ])
        let complete = "proxy.subscribe.url: http://127.0.0.1/s\nproxy.publish.url: http://127.0.0.1/p\n"
        #expect(self.problems(self.connect + rights + complete).isEmpty)
    }

    @Test func cookiesAreForPagesOfNamedOrigins() throws {
        let cookie = "proxy.headers: [cookie]\n"
        #expect(self.problems(self.connect + cookie).count == 1)
        #expect(self.problems(self.connect + cookie + "listen.origins: ['https://app.example.com']\n").isEmpty)
    }

    @Test(arguments: ["Host", "Content-Length", "a b", "Connection"])
    func headersThatBelongToTheHopAreRefused(_ name: String) throws {
        #expect(self.problems("proxy.headers: ['\(name)']\n").count == 1)
        #expect(self.problems(self.connect + "proxy.static_headers: {'\(name)': x}\n").count == 1)
    }
}
