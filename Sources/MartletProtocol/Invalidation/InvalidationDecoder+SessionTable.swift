// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension InvalidationDecoder {
    /// Reads a record of a table of sessions: one without a value ends the session that its key names, and so does one
    /// whose field has a value of the end. Every other is what a table holds of sessions that are alive.
    ///
    /// - Parameters:
    ///   - recordTime: The record's own time, where the log keeps one.
    ///   - receivedAt: The time now, on `Clock.wall`.
    ///   - place: What names the record for ever.
    package func sessionTable(
        key: Span<UInt8>?, value: Span<UInt8>?, _ table: SessionTable, recordTime: RecordTime? = nil,
        receivedAt: Double,
        place: String
    ) -> InvalidationOutcome {
        do throws(BadRecordReason) {
            guard let key else { throw .nullKey }
            // First: what cannot end a session needs no readable key.
            if let value {
                guard try Self.isEnd(value, table) else { return .foreign }
            }
            let session = try Self.session(key, table)
            let at = Times(recordTime: recordTime, receivedAt: receivedAt).recordedAt
            let invalidation = Invalidation(id: place, target: .session(session), at: at, source: self.source)
            return .decoded(DecodedInvalidation(invalidation, isClamped: false))
        } catch {
            return .bad(error)
        }
    }

    private static func isEnd(_ value: Span<UInt8>, _ table: SessionTable) throws(BadRecordReason) -> Bool {
        guard let field = table.field else { return false }
        guard value.count <= Self.recordBytesMax else { throw .tooLong }
        guard let document = JSONScanner.document(value) else { throw .malformed }
        guard let state = field.value(in: document, value) else { return false }
        let written: String? =
            switch state.kind {
            case .string: state.string(in: value)
            case .number, .boolean, .null: String(decoding: state.raw(in: value), as: UTF8.self)
            case .object, .array: nil
            }
        guard let written else { throw .wrongFieldType }
        return table.values.contains(written)
    }

    private static func session(_ key: Span<UInt8>, _ table: SessionTable) throws(BadRecordReason) -> String {
        guard key.count <= Self.recordBytesMax else { throw .tooLong }
        let session: String
        if let field = table.keyField {
            guard let document = JSONScanner.document(key) else { throw .malformed }
            guard let found = field.value(in: document, key), !found.isNull else { throw .missingTarget }
            switch found.kind {
            case .string:
                guard let text = found.string(in: key) else { throw .malformed }
                session = text
            case .number: session = String(decoding: found.raw(in: key), as: UTF8.self)
            default: throw .wrongFieldType
            }
        } else {
            guard let text = try? UTF8Span(validating: key) else { throw .malformed }
            session = String(copying: text)
        }
        guard !session.isEmpty else { throw .emptyValue }
        guard session.utf8.count <= Limits.claimBytesMax else { throw .tooLong }
        return session
    }
}
