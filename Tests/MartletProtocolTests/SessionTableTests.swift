// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

struct SessionTableTests {
    private static let now = 1_800_000_000.5

    private func decode(
        key: [UInt8]?, _ value: String?, _ table: SessionTable = SessionTable(), recordTime: Double? = nil
    ) -> InvalidationOutcome {
        let (key, input) = (key, bytes(value ?? ""))
        return InvalidationDecoder(source: .kafka).sessionTable(
            key: key?.span, value: value == nil ? nil : input.span, table,
            recordTime: recordTime.map { RecordTime($0) },
            receivedAt: Self.now, place: "t/0/7")
    }

    private func ended(_ session: String, at: Double = now) -> InvalidationOutcome {
        let invalidation = Invalidation(id: "t/0/7", target: .session(session), at: at, source: .kafka)
        return .decoded(DecodedInvalidation(invalidation, isClamped: false))
    }

    @Test func tombstonesEndSessions() {
        #expect(self.decode(key: bytes("s1"), nil) == self.ended("s1"))
        #expect(self.decode(key: bytes("s1"), nil, recordTime: 1_700_000_000) == self.ended("s1", at: 1_700_000_000))
        // Without a field nobody looks at values.
        #expect(self.decode(key: bytes("s1"), #"{"state":"ended"}"#) == .foreign)
        #expect(self.decode(key: bytes("s1"), "not json") == .foreign)
        #expect(self.decode(key: bytes("s1"), "") == .foreign)
    }

    @Test func fieldsEndSessions() {
        let table = SessionTable(field: JSONPath("state"), values: ["ended", "0", "true", "null"])
        for state in [#""ended""#, "0", "true", "null"] {
            #expect(self.decode(key: bytes("s1"), #"{"state":\#(state)}"#, table) == self.ended("s1"))
        }
        for state in [#""alive""#, "1", "false", #""ENDED""#] {
            #expect(self.decode(key: bytes("s1"), #"{"state":\#(state)}"#, table) == .foreign)
        }
        #expect(self.decode(key: bytes("s1"), "{}", table) == .foreign)
        #expect(self.decode(key: bytes("s1"), nil, table) == self.ended("s1"))
    }

    /// A row's envelope as change data capture writes it, with and without the schema around it.
    @Test func dottedPathsReachIntoEnvelopes() {
        let table = SessionTable(
            field: JSONPath("payload.after.state"), values: ["ended"], keyField: JSONPath("payload.id"))
        let key = bytes(#"{"schema":{"type":"struct"},"payload":{"id":"s1"}}"#)
        let row = #"{"schema":{},"payload":{"before":{"state":"alive"},"after":{"id":"s1","state":"ended"},"op":"u"}}"#
        #expect(self.decode(key: key, row, table) == self.ended("s1"))
        #expect(self.decode(key: key, nil, table) == self.ended("s1"))
        // Of a deleted row the tombstone that follows tells.
        #expect(self.decode(key: key, #"{"payload":{"after":null,"op":"d"}}"#, table) == .foreign)
        #expect(self.decode(key: bytes(#"{"payload":{"id":7}}"#), nil, table) == self.ended("7"))
        let deleted = SessionTable(field: JSONPath("after"), values: ["null"])
        #expect(self.decode(key: bytes("s1"), #"{"after":null,"op":"d"}"#, deleted) == self.ended("s1"))
        #expect(JSONPath("") == nil && JSONPath("a..b") == nil && JSONPath(".a") == nil && JSONPath("a.") == nil)
    }

    @Test func badRecords() {
        let table = SessionTable(field: JSONPath("state"), values: ["ended"])
        let keyed = SessionTable(keyField: JSONPath("id"))
        #expect(self.decode(key: nil, nil) == .bad(.nullKey))
        #expect(self.decode(key: nil, "{}") == .bad(.nullKey))
        #expect(self.decode(key: [], nil) == .bad(.emptyValue))
        #expect(self.decode(key: [0xFF], nil) == .bad(.malformed))
        let long = [UInt8](repeating: UInt8(ascii: "s"), count: Limits.claimBytesMax + 1)
        #expect(self.decode(key: long, nil) == .bad(.tooLong))
        #expect(self.decode(key: bytes("s1"), "{", table) == .bad(.malformed))
        #expect(self.decode(key: bytes("s1"), #"{"state":{}}"#, table) == .bad(.wrongFieldType))
        let huge = String(repeating: " ", count: InvalidationDecoder.recordBytesMax) + "{}"
        #expect(self.decode(key: bytes("s1"), huge, table) == .bad(.tooLong))
        #expect(self.decode(key: bytes("s1"), nil, keyed) == .bad(.malformed))
        #expect(self.decode(key: bytes("{}"), nil, keyed) == .bad(.missingTarget))
        #expect(self.decode(key: bytes(#"{"id":null}"#), nil, keyed) == .bad(.missingTarget))
        #expect(self.decode(key: bytes(#"{"id":""}"#), nil, keyed) == .bad(.emptyValue))
        #expect(self.decode(key: bytes(#"{"id":[]}"#), nil, keyed) == .bad(.wrongFieldType))
    }
}
