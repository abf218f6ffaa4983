// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

struct IdentityTests {
    @Test func namesArePackedAndFound() {
        let identity = Identity(
            user: "ü1", session: "s€", token: "t", issuedAt: 5, expiresAt: 9,
            claims: [Identity.Claim(name: "org", value: "a")], channels: ["c"], info: [1])
        #expect(identity.user == "ü1" && identity.session == "s€" && identity.token == "t")
        #expect(identity.issuedAt == 5 && identity.expiresAt == 9 && !identity.isAnonymous)
        #expect(identity.claims.count == 1 && identity.channels == ["c"] && identity.info == [1])
        let plain = Identity(user: "u")
        #expect(plain.session == nil && plain.token == nil && plain.claims.isEmpty && plain.info == nil)
        #expect(Identity(user: "").isAnonymous)
    }

    @Test func theSessionKeyIsWhatValidationAsksAbout() {
        #expect(Identity(user: "u", session: "s", token: "t", issuedAt: 1).sessionKey == "s")
        #expect(Identity(user: "u", token: "t", issuedAt: 1).sessionKey == "t")
        #expect(Identity(user: "u", issuedAt: 1).sessionKey == "u@1")
        #expect(Identity(user: "u").sessionKey == "u@-")
    }

    @Test func longNamesDoNotTrap() {
        let long = String(repeating: "é", count: 40_000)
        let identity = Identity(user: long, session: long, token: long)
        #expect(identity.user.utf8.count == Limits.claimBytesMax)
        #expect(identity.session?.utf8.count == Limits.claimBytesMax)
        #expect(identity.token?.utf8.count == Limits.claimBytesMax)
    }

    private static let identity = Identity(
        user: "u", session: "s", token: "t", issuedAt: 100,
        claims: [Identity.Claim(name: "org", value: "a"), Identity.Claim(name: "role", value: "b")])

    @Test(arguments: [
        (Invalidation.Target.session("s"), true), (.session("x"), false), (.session("u"), false),
        (.token("t"), true), (.token("s"), false),
        (.user("u", before: 100), true), (.user("u", before: 99), false), (.user("u", before: 101), true),
        (.user("x", before: 101), false),
        (.claim(name: "org", value: "a", before: 100), true), (.claim(name: "org", value: "a", before: 99), false),
        (.claim(name: "org", value: "b", before: 100), false), (.claim(name: "role", value: "b", before: 100), true),
    ])
    func invalidationsMatch(_ target: Invalidation.Target, matches: Bool) {
        let invalidation = Invalidation(id: "1", target: target, at: 0, source: .kafka)
        #expect(invalidation.matches(Self.identity) == matches)
    }

    @Test func aTokenWithoutATimeIsOlderThanAll() {
        let identity = Identity(user: "u", claims: [Identity.Claim(name: "org", value: "a")])
        for target in [Invalidation.Target.user("u", before: .min), .claim(name: "org", value: "a", before: -5)] {
            #expect(Invalidation(id: "1", target: target, at: 0, source: .api).matches(identity))
        }
        let session = Invalidation(id: "1", target: .session(""), at: 0, source: .api)
        #expect(!session.matches(identity))
    }

    @Test func eachTargetHasItsReason() {
        let reason = { (target: Invalidation.Target, source: Invalidation.Source) in
            Invalidation(id: "1", target: target, at: 0, source: source).closeReason
        }
        #expect(reason(.session("s"), .kafka) == .sessionRevoked)
        #expect(reason(.user("u", before: 0), .api) == .userRevoked)
        #expect(reason(.token("t"), .redis) == .tokenRevoked)
        #expect(reason(.claim(name: "a", value: "b", before: 0), .kafka) == .claimRevoked)
        #expect(reason(.session("s"), .pull) == .validationFailed)
    }

    @Test func connectionsAreNamed() {
        let id = ConnectionID(shard: 200, generation: 0xFFAB_CDEF, slot: 77)
        #expect(id.shard == 200 && id.generation == 0xAB_CDEF && id.slot == 77)
        #expect(ConnectionID(shard: 0, generation: 1, slot: -1).slot == -1)
        #expect(ConnectionID(shard: 1, generation: 2, slot: 3) != ConnectionID(shard: 1, generation: 3, slot: 3))
    }
}
