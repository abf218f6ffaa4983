// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletProtocol
import NIOHTTP1
import Testing

@Suite("Where identity providers deliver")
struct ReceiverTests {
    private static let event: HTTPHeaders = ["Content-Type": "application/secevent+jwt"]
    private static let form: HTTPHeaders = ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"]

    private static func configuration(bearers: [String] = []) -> ControlConfiguration {
        var configuration = ControlConfiguration()
        configuration.receivers.kinds = [.securityEvent, .logout]
        configuration.receivers.bearers = APIKeys(bearers)
        configuration.receivers.asksForBearer = !bearers.isEmpty
        return configuration
    }

    @Test func securityEventsAreAnsweredAsRFC8935Says() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(Self.configuration(), operations) { client in
            for token in ["good", "other"] {
                let taken = try await client.post("/security-events", token, Self.event)
                #expect(taken.status == 202 && taken.body.isEmpty)
            }
            let cases: [(BadRecordReason, String)] = [
                (.malformed, "invalid_request"), (.expired, "invalid_request"), (.wrongIssuer, "invalid_issuer"),
                (.wrongAudience, "invalid_audience"), (.unknownKey, "invalid_key"),
                (.badSignature, "authentication_failed"),
            ]
            for (reason, code) in cases {
                let refused = try await client.post("/security-events", reason.rawValue, Self.event)
                #expect(refused.status == 400)
                #expect(refused.headers.first(name: "Content-Type") == "application/json")
                let words = reason.rawValue.split(separator: "_").joined(separator: " ")
                #expect(refused.body == #"{"err":"\#(code)","description":"the token was not taken: \#(words)"}"#)
            }
            let later = try await client.post("/security-events", "away", Self.event)
            #expect(later.status == 503 && later.headers.first(name: "Retry-After") == "5")
            let typeless = try await client.post("/security-events", "good")
            #expect(typeless.status == 400 && typeless.body.contains(#""err":"invalid_request""#))
            let long = String(repeating: "x", count: 131_073)
            #expect(try await client.post("/security-events", long, Self.event).status == 400)
            #expect(try await client.get("/security-events").status == 404)
        }
        #expect(operations.delivered.count == 9 && operations.delivered.allSatisfy { $0.kind == .securityEvent })
    }

    @Test func transmittersMayHaveToSayWhoTheyAre() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(Self.configuration(bearers: ["t1", "t2"]), operations) { client in
            for value in [nil, "Bearer t3", "Bearer", "apikey t1", "t1"] {
                var headers = Self.event
                if let value { headers.add(name: "Authorization", value: value) }
                let refused = try await client.post("/security-events", "good", headers)
                #expect(refused.status == 401 && refused.body.contains(#""err":"authentication_failed""#))
                #expect(refused.headers.first(name: "WWW-Authenticate") == "Bearer")
            }
            #expect(operations.delivered.isEmpty)
            var headers = Self.event
            headers.add(name: "Authorization", value: "bearer t2")
            #expect(try await client.post("/security-events", "good", headers).status == 202)
            // An OpenID provider has nothing but its signature.
            #expect(try await client.post("/backchannel-logout", "logout_token=good", Self.form).status == 200)
        }
    }

    @Test func logoutTokensAreAnsweredAsOpenIDConnectSays() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(Self.configuration(), operations) { client in
            let done = try await client.post("/backchannel-logout", "a=b&logout_token=go%6Fd", Self.form)
            #expect(done.status == 200 && done.body.isEmpty)
            #expect(done.headers.first(name: "Cache-Control") == "no-store")
            let refused = try await client.post("/backchannel-logout", "logout_token=wrong_issuer", Self.form)
            #expect(refused.status == 400 && refused.headers.first(name: "Cache-Control") == "no-store")
            #expect(
                refused.body
                    == #"{"error":"invalid_request","error_description":"the token was not taken: wrong issuer"}"#)
            let away = try await client.post("/backchannel-logout", "logout_token=away", Self.form)
            #expect(away.status == 400 && away.body.contains(#""error":"temporarily_unavailable""#))
            for body in ["", "token=good", "logout_token"] {
                let missing = try await client.post("/backchannel-logout", body, Self.form)
                #expect(missing.status == 400 && missing.body.contains(#""error":"invalid_request""#))
            }
            #expect(try await client.post("/backchannel-logout", #"{"logout_token":"good"}"#).status == 400)
        }
        #expect(operations.delivered.first?.token == "good")
        #expect(operations.delivered.allSatisfy { $0.kind == .logout })
    }

    @Test func nothingIsReceivedUnlessConfigured() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(ControlConfiguration(), operations) { client in
            let event = try await client.post("/security-events", "good", Self.event)
            let logout = try await client.post("/backchannel-logout", "logout_token=good", Self.form)
            #expect(event.status == 404 && logout.status == 404)
        }
    }

    /// What a provider outside may reach must not be what operators reach.
    @Test func aListenerOfTheirOwnServesNothingElse() async throws {
        var configuration = Self.configuration()
        configuration.receivers.areAlone = true
        configuration.apiKeys = APIKeys(["key"])
        try await ControlClient.serving(configuration, FakeOperations()) { client in
            let event = try await client.post("/security-events", "good", Self.event)
            #expect(event.status == 202)
            for path in ["/metrics", "/healthz", "/readyz", "/openapi.yaml", "/"] {
                let other = try await client.get(path)
                #expect(other.status == 404)
            }
            let call = try await client.post("/api/info", "{}", ["X-API-Key": "key"])
            #expect(call.status == 404)
        }
    }

    /// The loopback guard of development mode keeps pages from the API; a token's signature keeps them from this.
    @Test func developmentModeReceivesToo() async throws {
        var configuration = ControlConfiguration.development
        configuration.receivers.kinds = [.securityEvent, .logout]
        try await ControlClient.serving(configuration, FakeOperations()) { client in
            let event = try await client.post("/security-events", "good", Self.event)
            let logout = try await client.post("/backchannel-logout", "logout_token=good", Self.form)
            let call = try await client.post("/api/info", "{}", Self.form)
            #expect(event.status == 202 && logout.status == 200 && call.status == 415)
        }
    }
}
