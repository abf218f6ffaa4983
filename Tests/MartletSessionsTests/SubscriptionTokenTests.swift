// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletSessions

@Suite struct SubscriptionTokenTests {
    private let now = 1_800_000_000.0

    private func verify(
        _ payload: String, _ change: (inout TokenVerifierConfiguration) -> Void = { _ in }
    ) throws -> SubscriptionTokenVerdict {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        change(&configuration)
        let token = handmade(#"{"alg":"HS256"}"#, payload)
        return try TokenVerifier(configuration).verifySubscription(token, now: self.now)
    }

    private func token(_ payload: String) throws -> SubscriptionToken? {
        guard case .verified(let token) = try self.verify(payload) else { return nil }
        return token
    }

    private func rejection(
        _ payload: String, _ change: (inout TokenVerifierConfiguration) -> Void = { _ in }
    ) throws -> TokenRejection? {
        guard case .rejected(let rejection) = try self.verify(payload, change) else { return nil }
        return rejection
    }

    @Test func saysWhatItsClaimsSay() throws {
        let plain = try #require(try self.token(#"{"channel":"$room:a"}"#))
        #expect(plain == SubscriptionToken(user: "", channel: "$room:a"))
        let full = try #require(
            try self.token(
                #"{"sub":"ada","channel":"a","client":"c-1","info":{"n": 1},"exp":1800000100,"jti":"x","#
                    + #""override":{"presence":{"value":true},"join_leave":{},"force_recovery":{"value":false},"#
                    + #""force_positioning":null,"unheard":{"value":true}}}"#))
        var overrides = SubscriptionOverrides()
        (overrides.presence, overrides.joinLeave, overrides.forceRecovery) = (true, false, false)
        #expect(
            full
                == SubscriptionToken(
                    user: "ada", channel: "a", client: "c-1", info: Array(#"{"n": 1}"#.utf8), expiresAt: 1_800_000_100,
                    overrides: overrides))
        #expect(try self.token(#"{"channel":"a","b64info":"eyJuIjoxfQ=="}"#)?.info == Array(#"{"n":1}"#.utf8))
        // A subscription may end apart from its token, or never.
        #expect(try self.token(#"{"channel":"a","exp":1800000100,"expire_at":1800000999}"#)?.expiresAt == 1_800_000_999)
        #expect(try self.token(#"{"channel":"a","exp":1800000100,"expire_at":0}"#)?.expiresAt == nil)
    }

    @Test(arguments: [
        "{}", #"{"channel":""}"#, #"{"channel":1}"#, #"{"channel":"a","sub":1}"#, #"{"channel":"a","client":[]}"#,
        #"{"channel":"a","exp":"soon"}"#, #"{"channel":"a","override":1}"#,
        #"{"channel":"a","override":{"presence":1}}"#,
        #"{"channel":"a","override":{"presence":{"value":1}}}"#, #"{"channel":"a","b64info":"?"}"#, "[]", "x",
    ])
    func refusesWhatIsMalformed(_ payload: String) throws {
        #expect(try self.rejection(payload) == .malformed)
    }

    @Test func isJudgedLikeAnyToken() throws {
        #expect(try self.rejection(#"{"channel":"a","exp":1799999939}"#) == .expired)
        #expect(try self.rejection(#"{"channel":"a","nbf":1800000061}"#) == .notYetValid)
        #expect(try self.rejection(#"{"channel":"a"}"#) { $0.issuer = "https://id" } == .wrongIssuer)
        #expect(try self.rejection(#"{"channel":"a"}"#) { $0.audiences = ["b"] } == .wrongAudience)
        #expect(try self.rejection(#"{"channel":"a"}"#) { $0.hmacSecrets = ["another"] } == .badSignature)
        // It names no session, so no revocation needs to outlive it.
        #expect(try self.rejection(#"{"channel":"a"}"#) { $0.unboundedTokens = .refuse } == nil)
    }

    @Test func isNoTokenOfAConnection() throws {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        let verifier = try TokenVerifier(configuration)
        let token = handmade(#"{"alg":"HS256"}"#, #"{"sub":"ada","channel":"a"}"#)
        #expect(verifier.verify(token, now: self.now).rejection == .malformed)
        #expect(verifier.verify(handmade(#"{"alg":"HS256"}"#, #"{"sub":"ada","channel":""}"#)).identity != nil)
    }

    @Test func subscriptionsOfAConnection() throws {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        let verifier = try TokenVerifier(configuration)
        let payload =
            #"{"sub":"ada","channels":["a","b","a"],"meta":{"m": 1},"subs":{"b":{"info":1,"b64data":"Mg==","#
            + #""override":{"presence":{"value":true}}},"c":{},"d":null}}"#
        let identity = try #require(
            verifier.verify(handmade(#"{"alg":"HS256"}"#, payload), now: self.now).identity)
        #expect(identity.channels == ["a", "b", "c", "d"])
        var detailed = ServerSubscription(channel: "b")
        (detailed.info, detailed.data) = (Array("1".utf8), Array("2".utf8))
        detailed.overrides.presence = true
        #expect(
            identity.subscriptions == [ServerSubscription(channel: "a"), detailed]
                + ["c", "d"].map { ServerSubscription(channel: $0) })
        #expect(identity.meta == Array(#"{"m": 1}"#.utf8))
        #expect(identity.has("c") && !identity.has("e"))
        for bad in [#""subs":[]"#, #""subs":{"a":1}"#, #""subs":{"a":{"override":[]}}"#, #""channels":"a""#] {
            let token = handmade(#"{"alg":"HS256"}"#, #"{"sub":"ada",\#(bad)}"#)
            #expect(verifier.verify(token, now: self.now).rejection == .malformed)
        }
    }

    @Test func issuedTokensAreRead() throws {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        let (verifier, issuer) = (try TokenVerifier(configuration), TokenIssuer(secret: TestSigner.secret))
        var overrides = SubscriptionOverrides()
        (overrides.forceJoinLeave, overrides.forcePositioning) = (true, false)
        let token = SubscriptionToken(
            user: "ada", channel: "a", client: "c", info: Array("1".utf8), expiresAt: 1_800_000_100,
            overrides: overrides)
        guard case .verified(let read) = verifier.verifySubscription(issuer.token(for: token), now: self.now) else {
            return #expect(Bool(false))
        }
        #expect(read == token)
        var subscription = ServerSubscription(channel: "b")
        (subscription.data, subscription.expiresAt, subscription.overrides) = (Array("2".utf8), 9, overrides)
        let identity = Identity(user: "ada", channels: ["a"], subscriptions: [subscription], meta: Array("3".utf8))
        let back = try #require(verifier.verify(issuer.token(for: identity), now: self.now).identity)
        #expect(back.subscriptions == identity.subscriptions && back.meta == identity.meta)
    }
}
