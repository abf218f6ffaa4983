// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletHub
import MartletInstruments
import MartletProtocol
import MartletProxy
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    /// The edge and a real back-end that it asks.
    @Suite("Back-end that decides", .timeLimit(.minutes(1)))
    struct BackendTests {
        private typealias Answers = @Sendable (TestHTTPServer.Request) -> TestHTTPServer.Response

        private static func run(
            _ answers: @escaping Answers, asking methods: [ProxyMethod] = ProxyMethod.allCases,
            _ change: @escaping @Sendable (inout EdgeRig.Options) -> Void = { _ in },
            _ body: @Sendable (EdgeRig, TestHTTPServer) throws -> Void
        ) async throws {
            try await TestHTTPServer.run(answers) { server in
                try EdgeRig.run({ options in
                    var proxy = ProxyConfiguration()
                    for method in methods {
                        proxy.endpoints[method] = .init(url: server.url("/\(method.rawValue)"), timeout: .seconds(5))
                    }
                    options.proxy = proxy
                    options.edge.proxyHeaders = ["cookie", "x-real-ip"]
                    options.edge.indexedClaims = ["org"]
                    options.edge.namespaces = NamespaceTable([
                        NamespaceOptions(name: "room", subscribe: .authenticated, publish: .subscribers),
                        NamespaceOptions(name: "asked", subscribe: .proxy, publish: .proxy),
                    ])
                    change(&options)
                }) { rig in try body(rig, server) }
            }
        }

        private static let somebody = #"{"result":{"user":"56"}}"#
        private static let connect = #"{"id":1,"connect":{"name":"js","version":"1","data":{"a":1}}}"#

        private func text(_ message: SocketClient.Message) -> String {
            if case .text(let text) = message { text } else { "\(message)" }
        }

        private static func client(_ rig: EdgeRig, fields: [String] = []) throws -> SocketClient {
            try SocketClient(rig, SocketClient.centrifuge, fields: fields)
        }

        private func connected(_ rig: EdgeRig) throws -> SocketClient {
            let client = try Self.client(rig)
            #expect(self.text(try client.ask(Self.connect)).hasPrefix(#"{"id":1,"connect":{"client":""#))
            return client
        }

        @Test func connectWithoutATokenAndWhatFollowsItWaits() async throws {
            let answer =
                #"{"result":{"user":"56","info":{"n":1},"data":{"hello":true},"channels":["room:own"],"sid":"s1","#
                + #""claims":{"org":"o1"},"meta":{"m":1}}}"#
            try await Self.run({
                $0.path == "/connect" ? .init(answer, delay: .milliseconds(100)) : .init(#"{"result":{"data":3}}"#)
            }) { rig, server in
                let client = try Self.client(
                    rig,
                    fields: ["X-Real-IP:  192.0.2.7 ", "X-Other: no", "cookie: a=b", "Origin: https://page.example"])
                try client.send(Self.connect + "\n" + SocketClient.subscribe("room:a"))
                let reply = self.text(try client.next())
                #expect(reply.hasPrefix(#"{"id":1,"connect":{"client":""#))
                #expect(reply.contains(#""data":{"hello":true}"#) && reply.contains(#""room:own":{"#))
                #expect(!reply.contains("expires"))
                #expect(self.text(try client.next()) == #"{"id":2,"subscribe":{}}"#)
                #expect(
                    self.text(try client.ask(#"{"id":3,"rpc":{"method":"sum","data":[1]}}"#))
                        == #"{"id":3,"rpc":{"data":3}}"#)
                let (first, second) = (try #require(server.requests.first), try #require(server.requests.last))
                #expect(first.text.contains(#""transport":"websocket","protocol":"json","encoding":"json""#))
                #expect(first.text.hasSuffix(#""name":"js","version":"1","data":{"a":1}}"#))
                #expect(first.headers["cookie"] == "a=b" && first.headers["x-real-ip"] == "192.0.2.7")
                #expect(first.headers["x-other"] == nil)
                #expect(second.text.hasSuffix(#""user":"56","method":"sum","data":[1],"meta":{"m":1}}"#))
                #expect(second.headers["cookie"] == "a=b")
                rig.invalidate(.claim(name: "org", value: "o1", before: Int64(Clock.wall) + 5))
                #expect(try client.closeCode() == CloseReason.claimRevoked.code)
            }
        }

        @Test func aTokenDecidesByItself() async throws {
            try await Self.run({ _ in .init(status: 500) }) { rig, server in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                #expect(self.text(try client.ask(SocketClient.subscribe("room:a"))) == #"{"id":2,"subscribe":{}}"#)
                let other = try Self.client(rig)
                try other.send(SocketClient.connect("nonsense"))
                #expect(try other.closeCode() == CloseReason.invalidToken.code)
                #expect(server.requests.isEmpty)
            }
        }

        @Test(arguments: [
            (
                200, #"{"error":{"code":1001,"message":"who?","temporary":true}}"#,
                #""code":1001,"message":"who?","temporary":true"#
            ),
            (200, #"{"result":{"user":"1","expire_at":1000}}"#, #""code":110"#),
            (500, "", #""code":100,"message":"internal server error","temporary":true"#),
            (200, "<html>", #""code":100"#), (200, "{}", #""code":100"#), (403, somebody, #""code":100"#),
        ])
        func whoIsNotLetIn(_ status: Int, _ body: String, _ error: String) async throws {
            try await Self.run({ _ in .init(status: status, body) }) { rig, _ in
                let client = try Self.client(rig)
                try client.send(Self.connect + "\n" + SocketClient.subscribe("room:a"))
                let reply = self.text(try client.next())
                #expect(reply.hasPrefix(#"{"id":1,"error":{"#) && reply.contains(error), "\(reply)")
                // Whatever follows is abuse.
                #expect(try client.closeCode() == CloseReason.badRequest.code)
            }
        }

        @Test func theBackendMayEndIt() async throws {
            try await Self.run({ _ in .init(#"{"disconnect":{"code":4700,"reason":"banned"}}"#) }) { rig, _ in
                let client = try Self.client(rig)
                try client.send(Self.connect)
                #expect(try client.closeCode() == 4700)
            }
        }

        @Test func whatIsRevokedWhileTheBackendThinksStaysRevoked() async throws {
            try await Self.run({ _ in .init(Self.somebody, delay: .seconds(2)) }) { rig, server in
                let client = try Self.client(rig)
                try client.send(Self.connect)
                #expect(EdgeRig.eventually { !server.requests.isEmpty })
                rig.invalidate(.user("56", before: Int64(Clock.wall)))
                #expect(try client.closeCode() == CloseReason.userRevoked.code)
            }
        }

        @Test func whoLeavesMeanwhileLeavesNothing() async throws {
            try await Self.run({ _ in .init(Self.somebody, delay: .milliseconds(300)) }) { rig, server in
                let client = try Self.client(rig, fields: ["X-Real-IP: 192.0.2.7"])
                try client.send(Self.connect)
                #expect(EdgeRig.eventually { !server.requests.isEmpty })
                client.close()
                #expect(EdgeRig.eventually { rig.open == 0 })
                Thread.sleep(forTimeInterval: 0.5)
            }
        }

        @Test func cookiesOfOtherSitesPagesAreNotForwarded() async throws {
            try await Self.run({ _ in .init(Self.somebody) }) { rig, server in
                for fields in [["Cookie: a=b"], ["Cookie: a=b", "Origin: https://evil.example"]] {
                    // 403
                    #expect(throws: (any Error).self) { try Self.client(rig, fields: fields) }
                }
                #expect(server.requests.isEmpty)
            }
        }

        @Test func theBackendRenewsTheConnection() async throws {
            try await Self.run({ request in
                let now = Int64(Clock.wall)
                if request.path == "/connect" {
                    return .init(#"{"result":{"user":"56","expire_at":\#(now + 2)}}"#)
                }
                return .init(#"{"result":{"expire_at":\#(now + 2)}}"#)
            }) { rig, server in
                let client = try Self.client(rig)
                let reply = self.text(try client.ask(Self.connect))
                #expect(!reply.contains("expires") && !reply.contains("ttl"))
                #expect(EdgeRig.eventually { server.requests.count { $0.path == "/refresh" } >= 2 })
                #expect(rig.open == 1)
                #expect(self.text(try client.ask(#"{"id":5,"ping":{}}"#)) == #"{"id":5,"ping":{}}"#)
                try client.send(#"{"id":6,"refresh":{"token":"x"}}"#)
                #expect(try client.closeCode() == CloseReason.badRequest.code)
            }
        }

        @Test(arguments: [#"{"result":{"expired":true}}"#, "{}", #"{"error":{"code":1000}}"#])
        func theBackendDoesNotRenewIt(_ answer: String) async throws {
            try await Self.run({ request in
                request.path == "/connect"
                    ? .init(#"{"result":{"user":"56","expire_at":\#(Int64(Clock.wall) + 1)}}"#) : .init(answer)
            }) { rig, _ in
                let client = try self.connected(rig)
                #expect(try client.closeCode() == CloseReason.connectionExpired.code)
            }
        }

        @Test(arguments: [Duration.zero, .seconds(60)])
        func whileNobodyDecidesItGoesOnForAsLongAsIsPatient(_ patience: Duration) async throws {
            try await Self.run(
                { request in
                    request.path == "/connect"
                        ? .init(#"{"result":{"user":"56","expire_at":\#(Int64(Clock.wall) + 1)}}"#) : .init(status: 503)
                }, { $0.edge.proxyPatience = patience }
            ) { rig, server in
                let client = try self.connected(rig)
                guard patience > .zero else {
                    return #expect(try client.closeCode() == CloseReason.connectionExpired.code)
                }
                #expect(EdgeRig.eventually { server.requests.contains { $0.path == "/refresh" } })
                Thread.sleep(forTimeInterval: 0.3)
                #expect(self.text(try client.ask(#"{"id":5,"ping":{}}"#)) == #"{"id":5,"ping":{}}"#)
            }
        }

        @Test func subscriptionsAndPublicationsAreAskedFor() async throws {
            try await Self.run({ request in
                switch request.path {
                case "/connect": .init(Self.somebody)
                case "/subscribe" where request.text.contains("asked:no"):
                    .init(#"{"error":{"code":403,"message":"not you"}}"#)
                case "/subscribe": .init(#"{"result":{"data":{"d":1},"info":{"i":1}}}"#)
                case "/publish" where request.text.contains("bad"): .init(#"{"error":{"code":1400,"message":"bad"}}"#)
                case "/publish": .init(#"{"result":{"data":{"changed":true},"tags":{"k":"v"}}}"#)
                default: .init(status: 404)
                }
            }) { rig, server in
                let client = try self.connected(rig)
                #expect(
                    self.text(try client.ask(SocketClient.subscribe("asked:no")))
                        == #"{"id":2,"error":{"code":403,"message":"not you"}}"#)
                #expect(
                    self.text(try client.ask(#"{"id":3,"subscribe":{"channel":"asked:a","data":{"w":1}}}"#))
                        == #"{"id":3,"subscribe":{"data":{"d":1}}}"#)
                #expect(
                    server.requests.last?.text.hasSuffix(#""user":"56","channel":"asked:a","data":{"w":1}}"#) ?? false)
                // Asked again, it is there already, and nobody is bothered.
                let asked = server.requests.count
                #expect(self.text(try client.ask(SocketClient.subscribe("asked:a"))).contains(#""code":105"#))
                #expect(server.requests.count == asked)
                try client.send(#"{"id":4,"publish":{"channel":"asked:a","data":{"x":1}}}"#)
                let both = [self.text(try client.next()), self.text(try client.next())]
                #expect(both.contains(#"{"id":4,"publish":{}}"#))
                let push = try #require(both.first { $0.contains("push") })
                #expect(push.contains(#""data":{"changed":true}"#) && push.contains(#""chan_info":{"i":1}"#))
                #expect(
                    self.text(try client.ask(#"{"id":5,"publish":{"channel":"asked:a","data":"bad"}}"#))
                        == #"{"id":5,"error":{"code":1400,"message":"bad"}}"#)
                #expect(self.text(try client.ask(#"{"id":6,"rpc":{"method":"x"}}"#)).contains(#""code":100"#))
            }
        }

        @Test func withoutTheirAddressesNothingIsAllowed() async throws {
            try await Self.run({ _ in .init(Self.somebody) }, asking: [.connect]) { rig, server in
                let client = try self.connected(rig)
                #expect(self.text(try client.ask(SocketClient.subscribe("asked:a"))).contains(#""code":103"#))
                #expect(
                    self.text(try client.ask(#"{"id":3,"publish":{"channel":"asked:a","data":1}}"#))
                        .contains(#""code":103"#))
                #expect(self.text(try client.ask(#"{"id":4,"rpc":{"method":"x"}}"#)).contains(#""code":108"#))
                #expect(server.requests.count == 1)
            }
        }

        @Test func whoUnsubscribesMeanwhileIsNotSubscribed() async throws {
            try await Self.run({ request in
                request.path == "/connect"
                    ? .init(Self.somebody) : .init(#"{"result":{}}"#, delay: .seconds(2))
            }) { rig, _ in
                let client = try self.connected(rig)
                try client.send(SocketClient.subscribe("asked:a") + "\n" + SocketClient.subscribe("asked:a", id: 3))
                #expect(self.text(try client.next()).hasPrefix(#"{"id":3,"error":{"code":105"#))
                try client.send(#"{"id":4,"unsubscribe":{"channel":"asked:a"}}"#)
                #expect(self.text(try client.next()).hasPrefix(#"{"id":2,"error":{"code":103"#))
                #expect(self.text(try client.next()) == #"{"id":4,"unsubscribe":{}}"#)
                Thread.sleep(forTimeInterval: 2.5)
                #expect(rig.hubMetrics.subscriptions.current == 0)
            }
        }

        @Test(arguments: [true, false])
        func theBackendRenewsASubscriptionOrNot(_ renews: Bool) async throws {
            try await Self.run({ request in
                let soon = Int64(Clock.wall) + 1
                return switch request.path {
                case "/connect": .init(Self.somebody)
                case "/subscribe": .init(#"{"result":{"expire_at":\#(soon)}}"#)
                default: .init(renews ? #"{"result":{"expire_at":\#(soon + 100)}}"# : #"{"result":{"expired":true}}"#)
                }
            }) { rig, server in
                let client = try self.connected(rig)
                #expect(self.text(try client.ask(SocketClient.subscribe("asked:a"))) == #"{"id":2,"subscribe":{}}"#)
                #expect(EdgeRig.eventually { server.requests.last?.path == "/sub_refresh" })
                guard renews else {
                    return #expect(self.text(try client.next()).contains(#""unsubscribe":{"code":2501"#))
                }
                Thread.sleep(forTimeInterval: 0.3)
                rig.publish("asked:a", "1")
                #expect(self.text(try client.next()).contains(#""data":1"#))
            }
        }
    }
}
