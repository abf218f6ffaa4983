// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Synchronization
import TestSupport
import Testing

@testable import MartletProxy

@Suite(.timeLimit(.minutes(1))) struct BackendProxyTests {
    private static let rpc = ProxyRequest.Question.rpc(method: "m", data: nil)

    @Test func everyMethodAsksItsOwnAddress() async throws {
        let answers = [
            "/connect": #"{"result":{"user":"56"}}"#, "/refresh": #"{"result":{"expire_at":9}}"#,
            "/subscribe": #"{"result":{"data":1}}"#, "/publish": #"{"result":{"skip_history":true}}"#,
            "/rpc": #"{"result":{"data":{"sum":3}}}"#, "/sub_refresh": #"{"result":{"expired":true}}"#,
        ]
        try await Rig.run(answering: { .init(answers[$0.path] ?? "") }) { rig in
            let questions: [ProxyRequest.Question] = [
                .connect(.init()), .refresh, .subscribe(channel: "a", token: "", data: nil),
                .publish(channel: "a", data: Array("1".utf8)), Self.rpc, .subRefresh(channel: "a"),
            ]
            let before = Int64(Clock.wall)
            for question in questions {
                let request = ProxyRequest(question, client: ProxyClient(client: "c", transport: "websocket"))
                let expected = try ProxyAnswer(
                    request.method, Array((answers["/" + request.method.rawValue] ?? "").utf8).span)
                guard case .answered(let answer, let askedAt) = await rig.ask(question) else {
                    Issue.record("\(request.method) was not answered")
                    continue
                }
                #expect(answer == expected)
                #expect(askedAt >= before && askedAt <= Int64(Clock.wall))
            }
            #expect(rig.server.requests.map(\.path) == questions.map { self.path($0) })
            #expect(rig.server.requests.allSatisfy { $0.headers["content-type"] == "application/json" })
            #expect(
                rig.server.requests.last?.text
                    == #"{"client":"c","transport":"websocket","protocol":"json","encoding":"json","user":"u","#
                    + #""channel":"a"}"#)
            // One connection carried them all.
            #expect(rig.server.accepted == 1)
            #expect(rig.metric(#"martlet_proxy_calls_total{method="rpc",outcome="ok"}"#) == "1")
            #expect(rig.metric(#"martlet_proxy_seconds_count{method="rpc"}"#) == "1")
        }
    }

    private func path(_ question: ProxyRequest.Question) -> String {
        "/" + ProxyRequest(question, client: ProxyClient(client: "", transport: "")).method.rawValue
    }

    @Test func theBackendMayRefuse() async throws {
        try await Rig.run(answering: {
            .init(
                $0.path == "/rpc"
                    ? #"{"error":{"code":1000,"message":"no"}}"# : #"{"disconnect":{"code":4500,"reason":"go"}}"#)
        }) { rig in
            #expect(await rig.ask(Self.rpc).answer == .error(code: 1000, message: "no", isTemporary: false))
            #expect(await rig.ask(.refresh).answer == .disconnect(code: 4500, reason: "go"))
            #expect(rig.metric(#"martlet_proxy_calls_total{method="rpc",outcome="error"}"#) == "1")
            #expect(rig.metric(#"martlet_proxy_calls_total{method="refresh",outcome="disconnect"}"#) == "1")
        }
    }

    @Test(arguments: [
        (200, "", ProxyOutcome.Failure.malformed), (200, "<html>welcome</html>", .malformed), (200, "{}", .malformed),
        (200, #"{"result":"#, .malformed), (200, #"{"result":[]}"#, .malformed),
        (201, #"{"result":{"user":"1"}}"#, .status), (302, #"{"result":{"user":"1"}}"#, .status),
        (403, #"{"result":{"user":"1"}}"#, .status), (500, #"{"result":{"user":"1"}}"#, .status),
    ])
    func whatIsNoAnswerAdmitsNobody(_ status: Int, _ body: String, _ failure: ProxyOutcome.Failure) async throws {
        try await Rig.run(answering: { _ in
            var response = TestHTTPServer.Response(status: status, body)
            if status == 302 { response.headers["location"] = "/elsewhere" }
            return response
        }) { rig in
            #expect(await rig.ask(.connect(.init())) == .failed(failure))
            // A redirection is not followed.
            #expect(rig.server.requests.count == 1)
            // Not even an answer that nobody wants costs the connection.
            _ = await rig.ask(.connect(.init()))
            #expect(rig.server.accepted == 1)
        }
    }

    @Test func anAnswerThatIsTooLongIsNone() async throws {
        let long = #"{"result":{"user":"\#(String(repeating: "x", count: 5_000))"}}"#
        try await Rig.run({ $0.answerBytesMax = 4_096 }, answering: { _ in .init(long) }) { rig in
            #expect(await rig.ask(.connect(.init())) == .failed(.malformed))
        }
    }

    @Test func aSlowBackendIsGivenUp() async throws {
        try await Rig.run(
            { $0.endpoints[.rpc]?.timeout = .milliseconds(100) },
            answering: { _ in .init(#"{"result":{}}"#, delay: .seconds(20)) }
        ) { rig in
            let begun = ContinuousClock.now
            #expect(await rig.ask(Self.rpc) == .failed(.timeout))
            #expect(ContinuousClock.now - begun < .seconds(10))
        }
    }

    @Test func nobodyThere() async throws {
        try await Rig.run({ $0.endpoints = [.rpc: .init(url: "http://127.0.0.1:1/")] }, answering: { _ in .init() }) {
            rig in
            #expect(await rig.ask(Self.rpc) == .failed(.unreachable))
            #expect(await rig.ask(.refresh) == .failed(.stopped))
            #expect(!rig.proxy.answers(.refresh))
            #expect(rig.proxy.answers(.rpc))
        }
    }

    @Test func afterItsEndNobodyIsAsked() async throws {
        let rig = try await Rig.run(answering: { _ in .init(#"{"result":{}}"#) }) { rig in
            #expect(await rig.ask(Self.rpc).answer == .rpc(data: nil))
            return rig
        }
        #expect(await rig.ask(Self.rpc) == .failed(.stopped))
    }

    @Test func headersOfTheClientAndFixedOnes() async throws {
        try await Rig.run({ $0.staticHeaders = ["X-Secret": "s", "Cookie": "fixed"] }, answering: { _ in .init("{}") })
        {
            rig in
            _ = await rig.ask(Self.rpc, headers: [("Cookie", "a=b"), ("X-Real-IP", "192.0.2.1")])
            let headers = try #require(rig.server.requests.first?.headers)
            #expect(headers["x-secret"] == "s")
            // What the node itself says is not a client's to replace.
            #expect(headers["cookie"] == "fixed")
            #expect(headers["x-real-ip"] == "192.0.2.1")
        }
    }

    @Test func namesThatMayBeForwarded() {
        for name in ["Cookie", "Authorization", "X-Forwarded-For", "x_y"] { #expect(ProxyHeaders.isAllowed(name)) }
        for name in ["", "Host", "content-length", "Transfer-Encoding", "Connection", "a b", "a:", "a\r\nb", "é"] {
            #expect(!ProxyHeaders.isAllowed(name))
        }
        #expect(ProxyHeaders.isValue("a=b; c=\u{E9}"))
        #expect(!ProxyHeaders.isValue("a\r\nb"))
        #expect(!ProxyHeaders.isValue(String(repeating: "x", count: 9_000)))
    }
}
