// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

struct InvalidationTests {
    private static let now = 1_800_000_000.5
    private let decoder = InvalidationDecoder(source: .kafka)

    private func decode(
        _ json: String, recordTime: Double? = nil, isOfLog: Bool = false, receivedAt: Double = now,
        place: String? = "t/0/7"
    ) -> Result<DecodedInvalidation, BadRecordReason> {
        let input = bytes(json)
        return self.decoder.martlet(
            input.span, recordTime: recordTime.map { RecordTime($0, isOfLog: isOfLog) }, receivedAt: receivedAt,
            place: place)
    }

    private func event(
        _ target: Invalidation.Target, id: String = "e", at: Double = now, reason: String? = nil,
        isClamped: Bool = false
    ) -> Result<DecodedInvalidation, BadRecordReason> {
        let invalidation = Invalidation(id: id, target: target, at: at, reason: reason, source: .kafka)
        return .success(DecodedInvalidation(invalidation, isClamped: isClamped))
    }

    @Test func targets() {
        #expect(self.decode(#"{"id":"e","type":"session.revoked","session":"s"}"#) == self.event(.session("s")))
        #expect(self.decode(#"{"id":"e","type":"token.revoked","token":"j"}"#) == self.event(.token("j")))
        #expect(
            self.decode(
                #"{"id":"e","type":"user.revoked","user":"u","before":1799999999.9,"at":1800000000,"reason":"x"}"#)
                == self.event(.user("u", before: 1_799_999_999), at: 1_800_000_000, reason: "x"))
        #expect(
            self.decode(#"{"type":"claim.revoked","claim":{"name":"org","value":"9"},"before":5,"id":"e","version":1}"#)
                == self.event(.claim(name: "org", value: "9", before: 5)))
    }

    /// What other types would read is not this event's target.
    @Test func foreignFieldsAreIgnored() {
        #expect(
            self.decode(#"{"id":"e","type":"session.revoked","session":"s","user":"u","before":7,"code":4500,"x":[]}"#)
                == self.event(.session("s")))
        #expect(
            self.decode(#"{"id":"e","type":"token.revoked","token":"j","user":null,"at":null,"reason":null}"#)
                == self.event(.token("j")))
    }

    @Test func times() {
        let json = #"{"id":"e","type":"user.revoked","user":"u","at":"2026-01-01T00:00:00.75Z"}"#
        #expect(self.decode(json) == self.event(.user("u", before: 1_767_225_600), at: 1_767_225_600.75))
        let both = #"{"id":"e","type":"user.revoked","user":"u","before":"2026-01-01T01:00:00+01:00","at":1767225700}"#
        #expect(self.decode(both) == self.event(.user("u", before: 1_767_225_600), at: 1_767_225_700))
    }

    /// Read again after a restart, a record without a time still means the time it was written.
    @Test func defaultTimeIsTheRecords() {
        let json = #"{"id":"e","type":"user.revoked","user":"u"}"#
        #expect(self.decode(json) == self.event(.user("u", before: 1_800_000_000)))
        #expect(
            self.decode(json, recordTime: 1_700_000_000.25)
                == self.event(.user("u", before: 1_700_000_000), at: 1_700_000_000.25))
        #expect(self.decode(json, recordTime: -1) == self.event(.user("u", before: 1_800_000_000)))
        #expect(self.decode(json, recordTime: 1_900_000_000) == self.event(.user("u", before: 1_800_000_000)))
    }

    @Test func timesInTheFutureAreClamped() {
        func json(_ fields: String) -> String { #"{"id":"e","type":"user.revoked","user":"u",\#(fields)}"# }
        #expect(
            self.decode(json(#""before":1800000060,"at":1800000000"#))
                == self.event(.user("u", before: 1_800_000_060), at: 1_800_000_000))
        #expect(
            self.decode(json(#""before":1800000061,"at":1800000000"#))
                == self.event(.user("u", before: 1_800_000_000), at: 1_800_000_000, isClamped: true))
        #expect(
            self.decode(json(#""at":1800009999"#)) == self.event(.user("u", before: 1_800_000_000), isClamped: true))
        #expect(
            self.decode(json(#""before":100000000000"#))
                == self.event(.user("u", before: 1_800_000_000), isClamped: true))
        #expect(
            self.decode(json(#""before":99999999999"#), recordTime: 1_700_000_000)
                == self.event(.user("u", before: 1_700_000_000), at: 1_700_000_000, isClamped: true))
        #expect(
            self.decode(json(#""before":99999999999,"at":1750000000"#), recordTime: 1_700_000_000)
                == self.event(.user("u", before: 1_750_000_000), at: 1_750_000_000, isClamped: true))
        #expect(
            self.decode(json(#""before":1790000000"#), recordTime: 1_700_000_000)
                == self.event(.user("u", before: 1_790_000_000), at: 1_700_000_000))
    }

    /// Where the brokers say when they took a record, every reader decides alike, whenever it reads; where only who wrote
    /// it says so, what is still the future is taken as of that, and no later than now.
    @Test func whatIsClampedIsTheSameForEveryReader() {
        let (written, ahead) = (1_800_000_000.0, 1_800_009_999.0)
        let json = #"{"id":"e","type":"user.revoked","user":"u","at":1800009999}"#
        let atWriting = self.event(.user("u", before: 1_800_000_000), at: written, isClamped: true)
        for receivedAt in [written + 0.5, written + 5_000, ahead - 61, ahead + 1, ahead + 86_400] {
            #expect(self.decode(json, recordTime: written, isOfLog: true, receivedAt: receivedAt) == atWriting)
            let byWriter = self.decode(json, recordTime: written, receivedAt: receivedAt)
            let asStated = self.event(.user("u", before: 1_800_009_999), at: ahead)
            #expect(byWriter == (receivedAt < ahead - 60 ? atWriting : asStated))
        }
        // This node's clock may be a little behind the brokers', who are believed; far behind, nobody is.
        #expect(self.decode(json, recordTime: written, isOfLog: true, receivedAt: written - 30) == atWriting)
        #expect(
            self.decode(json, recordTime: written, isOfLog: true, receivedAt: written - 61)
                == self.event(.user("u", before: 1_799_999_939), at: written - 61, isClamped: true))
        // An event may be older than its record.
        let late = #"{"id":"e","type":"user.revoked","user":"u","at":1700000000}"#
        #expect(
            self.decode(late, recordTime: written, isOfLog: true)
                == self.event(.user("u", before: 1_700_000_000), at: 1_700_000_000))
    }

    @Test func idsAreStable() {
        let json = #"{"type":"session.revoked","session":"s"}"#
        #expect(self.decode(json) == self.event(.session("s"), id: "t/0/7"))
        guard case .success(let first) = self.decode(json, place: nil),
            case .success(let again) = self.decode(json, place: nil),
            case .success(let other) = self.decode(json + " ", place: nil)
        else { return #expect(Bool(false)) }
        #expect(first == again)
        #expect(first.invalidation.id.hasPrefix("record-"))
        #expect(first.invalidation.id != other.invalidation.id)
    }

    @Test(
        arguments: [
            ("", .malformed), ("x", .malformed), ("[]", .malformed), (#""x""#, .malformed), ("{", .malformed),
            ("null", .nullValue),
            ("{}", .unknownType), (#"{"type":"user.deleted","user":"u"}"#, .unknownType),
            (#"{"user":"u"}"#, .unknownType),
            (#"{"type":null,"user":"u"}"#, .unknownType), (#"{"type":1}"#, .wrongFieldType),
            (#"{"version":2,"type":"user.revoked","user":"u"}"#, .unknownVersion),
            (#"{"version":"1","type":"user.revoked","user":"u"}"#, .unknownVersion),
            (#"{"type":"user.revoked"}"#, .missingTarget), (#"{"type":"user.revoked","user":null}"#, .missingTarget),
            (#"{"type":"user.revoked","session":"s"}"#, .missingTarget),
            (#"{"type":"user.revoked","user":""}"#, .emptyValue),
            (#"{"type":"session.revoked","session":""}"#, .emptyValue),
            (#"{"type":"token.revoked","token":""}"#, .emptyValue),
            (#"{"type":"claim.revoked"}"#, .missingTarget), (#"{"type":"claim.revoked","claim":{}}"#, .missingTarget),
            (#"{"type":"claim.revoked","claim":{"name":"n"}}"#, .missingTarget),
            (#"{"type":"claim.revoked","claim":{"name":"","value":"v"}}"#, .emptyValue),
            (#"{"type":"claim.revoked","claim":{"name":"n","value":""}}"#, .emptyValue),
            (#"{"type":"claim.revoked","claim":"n","value":"v"}"#, .wrongFieldType),
            (#"{"type":"claim.revoked","claim":{"name":"n","value":1}}"#, .wrongFieldType),
            (#"{"type":"user.revoked","user":42}"#, .wrongFieldType),
            (#"{"type":"user.revoked","user":"\ud800"}"#, .malformed),
            (#"{"type":"user.revoked","user":"u","id":""}"#, .emptyValue),
            (#"{"type":"user.revoked","user":"u","id":7}"#, .wrongFieldType),
            (#"{"type":"user.revoked","user":"u","reason":{}}"#, .wrongFieldType),
            (#"{"type":"user.revoked","user":"u","before":1767225600000}"#, .badTime),
            (#"{"type":"user.revoked","user":"u","before":100000000000.5}"#, .badTime),
            (#"{"type":"user.revoked","user":"u","at":1e11,"before":1e999}"#, .badTime),
            (#"{"type":"user.revoked","user":"u","at":-1}"#, .badTime),
            (#"{"type":"user.revoked","user":"u","at":""}"#, .badTime),
            (#"{"type":"user.revoked","user":"u","at":"1767225600"}"#, .badTime),
            (#"{"type":"user.revoked","user":"u","at":"yesterday"}"#, .badTime),
            (#"{"type":"user.revoked","user":"u","at":true}"#, .badTime),
            (#"{"type":"user.revoked","user":"u","at":"1969-12-31T23:59:59Z"}"#, .badTime),
        ] as [(String, BadRecordReason)])
    func badRecords(_ json: String, _ reason: BadRecordReason) {
        #expect(self.decode(json) == .failure(reason))
    }

    @Test func bounds() {
        func json(_ field: String, _ length: Int) -> String {
            #"{"type":"user.revoked","user":"u","\#(field)":"\#(String(repeating: "x", count: length))"}"#
        }
        for (field, most) in [("id", 256), ("reason", 1_024), ("user", 16_000)] {
            guard case .success = self.decode(json(field, most)) else { return #expect(Bool(false)) }
            #expect(self.decode(json(field, most + 1)) == .failure(.tooLong))
        }
        #expect(self.decode(json("unknown", 270_000)) == .failure(.tooLong))
        #expect(self.decoder.martlet(nil, receivedAt: Self.now) == .failure(.nullValue))
        #expect(Set(BadRecordReason.allCases.map(\.rawValue)).count == BadRecordReason.allCases.count)
    }

    /// The longest event that can be asked for can be read again.
    @Test func longestEventFits() {
        let longest = String(repeating: "\u{1}", count: 16_000)
        let invalidation = Invalidation(
            id: String(repeating: "\u{1}", count: 256), target: .claim(name: longest, value: longest, before: 1), at: 1,
            reason: String(repeating: "\u{1}", count: 1_024), source: .kafka)
        let record = InvalidationEncoder.martlet(invalidation)
        let read = self.decoder.martlet(record.span, receivedAt: Self.now)
        #expect(read == .success(DecodedInvalidation(invalidation, isClamped: false)))
    }

    @Test func emptyReasonIsNone() {
        #expect(
            self.decode(#"{"id":"e","type":"session.revoked","session":"s","reason":""}"#) == self.event(.session("s")))
    }

    @Test func notUTF8() {
        let input = bytes(#"{"type":"user.revoked","user":""#) + [0xFF] + bytes(#""}"#)
        #expect(self.decoder.martlet(input.span, receivedAt: Self.now) == .failure(.malformed))
    }

    @Test(
        arguments: [
            .session("s"), .user("u\"\\\n€", before: 1_799_999_999), .token("j"),
            .claim(name: "org", value: "ü", before: 0),
        ] as [Invalidation.Target])
    func readsWhatItWrites(_ target: Invalidation.Target) {
        for (reason, at) in [(nil, 1_799_999_999.125), ("because\n", 1_800_000_000), (nil, 0.1)] {
            let invalidation = Invalidation(id: "id", target: target, at: at, reason: reason, source: .kafka)
            let record = InvalidationEncoder.martlet(invalidation)
            #expect(!record.contains(0x0A))
            let read = self.decoder.martlet(record.span, receivedAt: Self.now)
            #expect(read == .success(DecodedInvalidation(invalidation, isClamped: false)))
        }
    }

    @Test func truncatedAtEveryByte() {
        let target = Invalidation.Target.claim(name: "org", value: "é", before: 1)
        let record = InvalidationEncoder.martlet(Invalidation(id: "i", target: target, at: 1.5, source: .kafka))
        for length in 0..<record.count {
            let cut = record.span.extracting(first: length)
            #expect(self.decoder.martlet(cut, receivedAt: Self.now) == .failure(.malformed))
        }
    }
}
