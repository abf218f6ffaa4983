// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

struct CloudEventTests {
    private static let now = 1_800_000_000.5
    private let decoder = InvalidationDecoder(source: .kafka)

    private func decode(
        _ value: String?, headers: [String: String] = [:], recordTime: Double? = nil
    ) -> InvalidationOutcome {
        let input = bytes(value ?? "")
        return self.decoder.cloudEvent(
            value == nil ? nil : input.span, header: { headers[$0].map(bytes) },
            recordTime: recordTime.map { RecordTime($0) },
            receivedAt: Self.now, place: "t/0/7")
    }

    private func event(
        _ target: Invalidation.Target, id: String = "e", at: Double = now, isClamped: Bool = false
    ) -> InvalidationOutcome {
        .decoded(
            DecodedInvalidation(
                Invalidation(id: id, target: target, at: at, source: .kafka), isClamped: isClamped))
    }

    private func structured(_ data: String, type: String = "session.revoked", more: String = "") -> String {
        #"{"specversion":"1.0","id":"e","source":"/auth","type":"\#(type)"\#(more),\#(data)}"#
    }

    private static let binary = [
        "ce_specversion": "1.0", "ce_id": "e", "ce_source": "/auth", "ce_type": "session.revoked",
    ]

    @Test func structuredEvents() {
        #expect(self.decode(self.structured(#""data":{"session":"s"}"#)) == self.event(.session("s")))
        #expect(
            self.decode(self.structured(#""data":{"user":"u"}"#, type: "com.example.auth.user.revoked"))
                == self.event(.user("u", before: 1_800_000_000)))
        // What the data says itself counts more.
        #expect(
            self.decode(
                self.structured(
                    #""data":{"id":"own","type":"token.revoked","token":"j","at":1790000000}"#, type: "x.y",
                    more: #","time":"2026-01-01T00:00:00Z""#))
                == self.event(.token("j"), id: "own", at: 1_790_000_000))
        #expect(
            self.decode(
                self.structured(
                    #""data":{"user":"u"}"#, type: "user.revoked", more: #","time":"2026-01-01T00:00:00.5Z""#))
                == self.event(.user("u", before: 1_767_225_600), at: 1_767_225_600.5))
        #expect(
            self.decode(self.structured(#""data_base64":"eyJzZXNzaW9uIjoicyJ9""#)) == self.event(.session("s")))
        // A content type in the headers says that the value is structured, whatever else stands there.
        #expect(
            self.decode(
                self.structured(#""data":{"session":"s"}"#),
                headers: ["content-type": "application/cloudevents+json; charset=UTF-8", "ce_specversion": "0.3"])
                == self.event(.session("s")))
    }

    @Test func binaryEvents() {
        #expect(self.decode(#"{"session":"s"}"#, headers: Self.binary) == self.event(.session("s")))
        #expect(
            self.decode(
                #"{"claim":{"name":"org","value":"9"}}"#,
                headers: Self.binary.merging([
                    "ce_type": "com.example.claim.revoked", "ce_time": "2026-01-01T00:00:00Z",
                    "content-type": "application/json; charset=utf-8",
                ]) { $1 })
                == self.event(.claim(name: "org", value: "9", before: 1_767_225_600), at: 1_767_225_600))
        #expect(
            self.decode(#"{"session":"s","before":5}"#, headers: Self.binary, recordTime: 1_700_000_000)
                == self.event(.session("s"), at: 1_700_000_000))
    }

    @Test func clockOfTheEnvelopeIsClamped() {
        #expect(
            self.decode(
                #"{"user":"u"}"#,
                headers: Self.binary.merging([
                    "ce_type": "user.revoked", "ce_time": "2099-01-01T00:00:00Z",
                ]) { $1 }) == self.event(.user("u", before: 1_800_000_000), isClamped: true))
    }

    /// A topic may carry other events too.
    @Test func eventsAboutSomethingElse() {
        #expect(self.decode(self.structured(#""data":{"order":1}"#, type: "com.example.order.made")) == .foreign)
        #expect(self.decode(self.structured(#""data":"text""#, type: "com.example.order.made")) == .foreign)
        #expect(self.decode(self.structured(#""subject":"x""#, type: "com.example.order.made")) == .foreign)
        let headers = Self.binary.merging(["ce_type": "order.made", "content-type": "text/plain"]) { $1 }
        #expect(self.decode("not json", headers: headers) == .foreign)
        #expect(self.decode(nil, headers: headers) == .foreign)
    }

    @Test func badRecords() {
        let cases: [(String?, [String: String], BadRecordReason)] = [
            (nil, [:], .nullValue), (nil, Self.binary, .nullValue), ("{", [:], .malformed), ("[]", [:], .malformed),
            ("{}", [:], .missingAttribute), (#"{"specversion":"1.0","id":"e","type":"t"}"#, [:], .missingAttribute),
            (#"{"specversion":"1.0","id":"","source":"s","type":"t"}"#, [:], .missingAttribute),
            (#"{"specversion":"0.3","id":"e","source":"s","type":"t"}"#, [:], .unknownVersion),
            (#"{"specversion":1.0,"id":"e","source":"s","type":"t"}"#, [:], .wrongFieldType),
            (self.structured(#""data":{"session":""}"#), [:], .emptyValue),
            (self.structured(#""data":{"user":"u"}"#), [:], .missingTarget),
            (self.structured(#""data":"s""#), [:], .malformed), (self.structured(#""data":null"#), [:], .missingTarget),
            (self.structured(#""data_base64":"*""#), [:], .malformed),
            (self.structured(#""data":{"session":"s"}"#, more: #","time":"tomorrow""#), [:], .badTime),
            (
                self.structured(#""data":{"session":"s"}"#, more: #","datacontenttype":"text/xml""#), [:],
                .unsupportedContent
            ),
            ("{", Self.binary, .malformed), (#"{"session":1}"#, Self.binary, .wrongFieldType),
            (#"{"session":"s"}"#, Self.binary.filter { $0.key != "ce_id" }, .missingAttribute),
            (#"{"session":"s"}"#, Self.binary.merging(["ce_specversion": "2.0"]) { $1 }, .unknownVersion),
            (#"{"session":"s"}"#, Self.binary.merging(["content-type": "application/xml"]) { $1 }, .unsupportedContent),
            (#"{"session":"s"}"#, Self.binary.merging(["ce_time": "0"]) { $1 }, .badTime),
            (#"{"session":"s"}"#, Self.binary.merging(["ce_id": String(repeating: "i", count: 257)]) { $1 }, .tooLong),
            (String(repeating: " ", count: InvalidationDecoder.recordBytesMax + 1), Self.binary, .tooLong),
        ]
        for (value, headers, reason) in cases {
            #expect(self.decode(value, headers: headers) == .bad(reason), "\(value?.prefix(80) ?? "null") \(headers)")
        }
    }
}
