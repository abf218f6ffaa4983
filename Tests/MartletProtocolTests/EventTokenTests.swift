// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

struct EventTokenTests {
    private typealias Target = EventTokenClaims.Target

    private static let caep = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
    private static let risc = "https://schemas.openid.net/secevent/risc/event-type/sessions-revoked"
    private static let logout = "http://schemas.openid.net/event/backchannel-logout"

    private func read(_ json: String, _ kind: EventTokenKind) -> Result<EventTokenClaims, BadRecordReason> {
        let input = bytes(json)
        do throws(BadRecordReason) { return .success(try EventTokenClaims(input.span, kind)) } catch {
            return .failure(error)
        }
    }

    private func target(_ json: String, _ kind: EventTokenKind = .securityEvent) -> Result<Target?, BadRecordReason> {
        self.read(json, kind).map(\.target)
    }

    private func event(_ subject: String, in event: String = "{}", name: String = caep) -> String {
        #"{"iss":"https://idp","aud":"us","iat":1700000000,"jti":"j1",\#(subject)"events":{"\#(name)":\#(event)}}"#
    }

    private func logout(_ claims: String) -> String {
        #"{"iss":"https://idp","aud":["us"],"iat":1700000000,"exp":1700000120,"jti":"j1",\#(claims)}"#
    }

    private static let isLogout = #""events":{"\#(logout)":{}}"#

    @Test func claims() throws {
        let claims = try self.read(self.logout(#""sid":"s",\#(Self.isLogout)"#), .logout).get()
        #expect(claims.issuer == "https://idp" && claims.audiences == ["us"] && claims.id == "j1")
        #expect(claims.issuedAt == 1_700_000_000 && claims.expiresAt == 1_700_000_120 && claims.target == .session("s"))
    }

    @Test func subjects() {
        let cases: [(String, Target)] = [
            (#"{"format":"opaque","id":"s1"}"#, .session("s1")),
            (#"{"format":"iss_sub","iss":"https://idp","sub":"u1"}"#, .user("u1")),
            (#"{"format":"jwt_id","iss":"https://idp","jti":"t1"}"#, .token("t1")),
            (
                #"""
                {"format":"complex","session":{"format":"opaque","id":"s1"},
                 "user":{"format":"iss_sub","iss":"https://idp","sub":"u1"},"tenant":{"format":"opaque","id":"t"}}
                """#, .session("s1")
            ),
            (
                #"{"format":"complex","user":{"format":"opaque","id":"u1"},"tenant":{"format":"opaque","id":"t"}}"#,
                .user("u1")
            ),
            (#"{"format":"complex","session":{"format":"jwt_id","iss":"i","jti":"t1"}}"#, .token("t1")),
            // As drafts had it.
            (#"{"user":{"format":"iss_sub","iss":"i","sub":"u1"}}"#, .user("u1")),
            (#"{"subject_type":"iss-sub","iss":"i","sub":"u1"}"#, .user("u1")),
        ]
        for (subject, target) in cases {
            #expect(self.target(self.event(#""sub_id":\#(subject),"#)) == .success(target), "\(subject)")
            // Where the drafts put it.
            #expect(self.target(self.event("", in: #"{"subject":\#(subject)}"#)) == .success(target), "\(subject)")
        }
        #expect(self.target(self.event(#""sub":"u1","#)) == .success(.user("u1")))
        let opaque = #""sub_id":{"format":"opaque","id":"x"},"#
        #expect(self.target(self.event(opaque, name: Self.risc)) == .success(.user("x")))
    }

    @Test(arguments: [
        caep, caep + "/", "http://schemas.openid.net/secevent/caep/event-type/session-revoked",
    ])
    func namesOfTheEvent(_ name: String) {
        #expect(self.target(self.event(#""sub":"u1","#, name: name)) == .success(.user("u1")))
    }

    @Test func eventsAboutSomethingElse() {
        for name in [
            "https://schemas.openid.net/secevent/caep/event-type/credential-change",
            "https://schemas.openid.net/secevent/ssf/event-type/verification", Self.logout, "x",
        ] {
            #expect(self.target(self.event("", name: name)) == .success(nil))
        }
        // One of several is ours.
        let two = #"{"iat":1,"sub":"u","events":{"x":{},"\#(Self.caep)":{}}}"#
        #expect(self.target(two) == .success(.user("u")))
    }

    @Test func logoutTokens() {
        #expect(self.target(self.logout(#""sub":"u",\#(Self.isLogout)"#), .logout) == .success(.user("u")))
        #expect(self.target(self.logout(#""sid":"s",\#(Self.isLogout)"#), .logout) == .success(.session("s")))
        #expect(self.target(self.logout(#""sub":"u","sid":"s",\#(Self.isLogout)"#), .logout) == .success(.session("s")))
        let cases: [(String, BadRecordReason)] = [
            (Self.isLogout, .missingTarget), (#""sid":"",\#(Self.isLogout)"#, .emptyValue),
            (#""sid":7,\#(Self.isLogout)"#, .wrongFieldType),
            (#""sid":"s","nonce":"n",\#(Self.isLogout)"#, .unexpectedNonce),
            (#""sid":"s""#, .missingAttribute), (#""sid":"s","events":[]"#, .wrongFieldType),
            (#""sid":"s","events":{}"#, .unknownType), (#""sid":"s","events":{"\#(Self.caep)":{}}"#, .unknownType),
            (#""sid":"s","events":{"\#(Self.logout)":"x"}"#, .wrongFieldType),
        ]
        for (claims, reason) in cases {
            #expect(self.target(self.logout(claims), .logout) == .failure(reason), "\(claims)")
        }
    }

    @Test func badTokens() {
        let cases: [(String, BadRecordReason)] = [
            ("", .malformed), ("[]", .malformed), ("{", .malformed), ("{}", .badTime),
            (#"{"iat":"2026-01-01T00:00:00Z","events":{}}"#, .badTime),
            (#"{"iat":1700000000000,"events":{}}"#, .badTime), (#"{"iat":-1,"events":{}}"#, .badTime),
            (#"{"iat":1}"#, .missingAttribute), (#"{"iat":1,"events":null}"#, .missingAttribute),
            (#"{"iat":1,"aud":[1],"events":{}}"#, .wrongFieldType),
            (#"{"iat":1,"iss":1,"events":{}}"#, .wrongFieldType),
            (#"{"iat":1,"jti":"","events":{}}"#, .emptyValue),
            (#"{"iat":1,"jti":"\#(String(repeating: "j", count: 257))","events":{}}"#, .tooLong),
            (self.event(""), .missingTarget), (self.event(#""sub":"","#), .emptyValue),
            (self.event(#""sub_id":"s","#), .wrongFieldType), (self.event(#""sub_id":{},"#), .unsupportedSubject),
            (self.event(#""sub_id":{"format":"email","email":"a@b.c"},"#), .unsupportedSubject),
            (self.event(#""sub_id":{"format":"opaque"},"#), .missingTarget),
            (self.event(#""sub_id":{"format":"opaque","id":""},"#), .emptyValue),
            (self.event(#""sub_id":{"format":"complex","tenant":{"format":"opaque","id":"t"}},"#), .unsupportedSubject),
            // Less than all sessions of the user: not ours to widen.
            (
                self.event(
                    #""sub_id":{"format":"complex","user":{"format":"opaque","id":"u"},"device":{"format":"opaque","id":"d"}},"#
                ), .unsupportedSubject
            ),
        ]
        for (json, reason) in cases {
            #expect(self.target(json) == .failure(reason), "\(json.prefix(120))")
        }
    }

    @Test func typesOfTokens() {
        for type in [nil, "JWT", "secevent+jwt", "application/SecEvent+JWT"] {
            #expect(EventTokenKind.securityEvent.admits(type: type))
        }
        for type in ["", "at+jwt", "logout+jwt", "secevent"] {
            #expect(!EventTokenKind.securityEvent.admits(type: type))
        }
        #expect(EventTokenKind.logout.admits(type: "logout+jwt") && !EventTokenKind.logout.admits(type: "secevent+jwt"))
    }

    /// Delivered once more, it ends what it ended before, and nothing that came since.
    @Test func anInvalidationIsDatedByItsIssue() throws {
        let claims = try self.read(self.event(#""sub":"u","#), .securityEvent).get()
        let decoder = InvalidationDecoder(source: .kafka)
        for recordTime in [nil, 1_700_000_001, 1_790_000_000.0] {
            let outcome = decoder.token(
                claims, recordTime: recordTime.map { RecordTime($0) }, receivedAt: 1_800_000_000, place: "t/0/7")
            let expected = Invalidation(
                id: "j1", target: .user("u", before: 1_700_000_000), at: 1_700_000_000, source: .kafka)
            #expect(outcome == .decoded(DecodedInvalidation(expected, isClamped: false)))
        }
        // Its clock is wrong: it counts as of when it was written.
        let clamped = decoder.token(
            claims, recordTime: RecordTime(1_600_000_000), receivedAt: 1_600_000_100, place: "t/0/7")
        let expected = Invalidation(
            id: "j1", target: .user("u", before: 1_600_000_000), at: 1_600_000_000, source: .kafka)
        #expect(clamped == .decoded(DecodedInvalidation(expected, isClamped: true)))
    }
}
