// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

@testable import MartletEdge

@Suite("Which pages may connect")
struct OriginPolicyTests {
    private func refusal(
        _ fields: [String], host: String = "edge.example", development: Bool = false, socket: Bool = false,
        cookie: Bool = false, origins: [String] = ["https://page.example"]
    ) -> String? {
        let policy = OriginPolicy(isDevelopment: development, cors: CORS(allowedOrigins: origins))
        let text = (["GET /ws HTTP/1.1", "Host: \(host)"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
        let bytes = Array(text.utf8)
        guard case .head(let head) = HTTPRequestParser.parse(bytes.span, limits: HTTPLimits(), scanned: 0) else {
            Issue.record("not a request")
            return nil
        }
        return policy.refusal(head, in: bytes.span, isWebSocket: socket, usesCookie: cookie)
    }

    @Test(arguments: [
        ("localhost", true), ("localhost:8000", true), ("127.0.0.1", true), ("127.0.0.1:8000", true),
        ("127.9.9.9:80", true), ("[::1]:8000", true), ("LOCALHOST:8000", true),
        ("evil.example", false), ("localhost.evil.example", false), ("127.0.0.1.evil.example:8000", false),
        ("192.168.0.1", false), ("0.0.0.0:8000", false), ("[::2]", false),
        ("evil.localhost.example", false), ("2130706433", false),
    ])
    func hostsInDevelopmentMode(host: String, isFine: Bool) {
        #expect((self.refusal([], host: host, development: true) == nil) == isFine)
    }

    @Test(arguments: [
        ("http://localhost:3000", true), ("http://127.0.0.1:9000", true), ("http://[::1]:9000", true),
        ("https://page.example", false), ("null", false), ("http://localhost.evil.example", false),
        ("http://evil.example/localhost", false), ("localhost", false), ("http://localhost@evil.example", false),
    ])
    func originsInDevelopmentMode(origin: String, isFine: Bool) {
        #expect((self.refusal(["Origin: \(origin)"], host: "127.0.0.1:8000", development: true) == nil) == isFine)
    }

    @Test func tokensNeedNoOrigin() {
        for socket in [true, false] {
            #expect(self.refusal([], socket: socket) == nil)
            #expect(self.refusal(["Origin: https://edge.example"], socket: socket) == nil)
            #expect(self.refusal(["Origin: https://page.example"], socket: socket) == nil)
            #expect(self.refusal(["Origin: https://other.example"], socket: socket) != nil)
            #expect(self.refusal(["Origin: null"], socket: socket) != nil)
            #expect(self.refusal(["Origin: null"], socket: socket, origins: ["*"]) == nil)
        }
    }

    @Test func cookiesDo() {
        #expect(self.refusal([], socket: true, cookie: true) != nil)
        #expect(self.refusal(["Sec-Fetch-Site: same-origin"], socket: true, cookie: true) != nil)
        #expect(self.refusal(["Origin: https://page.example"], socket: true, cookie: true) == nil)
        #expect(self.refusal(["Origin: https://edge.example"], socket: true, cookie: true) == nil)
        #expect(self.refusal([], cookie: true) == nil)
        #expect(self.refusal(["Sec-Fetch-Site: none"], cookie: true) == nil)
        #expect(self.refusal(["Sec-Fetch-Site: same-origin"], cookie: true) == nil)
        #expect(self.refusal(["Sec-Fetch-Site: same-site"], cookie: true) != nil)
        #expect(self.refusal(["Sec-Fetch-Site: cross-site"], cookie: true) != nil)
        for origins in [["*"], ["null"]] {
            #expect(self.refusal(["Origin: null"], socket: true, cookie: true, origins: origins) != nil)
            #expect(self.refusal(["Origin: null"], cookie: true, origins: origins) != nil)
        }
        // What only `*` allows is any page there is.
        #expect(self.refusal(["Origin: https://other.example"], socket: true, cookie: true, origins: ["*"]) != nil)
        #expect(self.refusal(["Origin: https://other.example"], cookie: true, origins: ["*"]) != nil)
    }
}
