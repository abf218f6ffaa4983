// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// Reads invalidations in the `martlet` format, one JSON object a record:
///
///     {"id": "…", "type": "user.revoked", "user": "42", "before": 1767225600, "at": "2026-01-01T00:00:00Z",
///      "reason": "…", "code": 4501, "version": 1}
///
/// - `type` decides which target is read: `session.revoked` → `session`, `user.revoked` → `user`, `token.revoked` →
///   `token`, `claim.revoked` → `claim`, an object `{"name", "value"}`.
/// - `at` is when it happened, `before` the latest time of issue that it ends (only `user` and `claim`; the time of the
///   event where absent). Both are seconds since 1970 as a number, or RFC 3339. Where `at` is absent, the record's own
///   time counts, so that reading a topic again decides the same, else the time of receipt.
/// - A time more than 60 s in the future is replaced and reported, because somebody's clock is wrong: by the record's own
///   time or that of the event, whichever is later, else by the time of receipt. Where the log itself says when it took
///   the record, the future begins there, so that whoever reads it, and whenever, decides the same; else it begins now.
/// - `id` names the event in receipts and logs; where absent, one is made of the record's place, or of its bytes.
/// - `code` is accepted and has no effect: the kind of target decides the close code. `version` is 1 where present.
/// - Unknown fields are ignored, null counts as absent.
package struct InvalidationDecoder: Sendable {
    /// Room for the longest fields with every character escaped.
    package static let recordBytesMax = 262_144
    package static let idBytesMax = 256
    package static let reasonBytesMax = 1_024

    /// Where the records come from.
    package let source: Invalidation.Source

    package init(source: Invalidation.Source) { self.source = source }

    /// - Parameters:
    ///   - record: The record's value; nil where it has none.
    ///   - recordTime: The record's own time, where the log keeps one.
    ///   - receivedAt: The time now, on `Clock.wall`.
    ///   - place: What names the record for ever, as `topic/partition/offset` does.
    package func martlet(
        _ record: Span<UInt8>?, recordTime: RecordTime? = nil, receivedAt: Double, place: String? = nil
    ) -> Result<DecodedInvalidation, BadRecordReason> {
        guard let record else { return .failure(.nullValue) }
        guard record.count <= Self.recordBytesMax else { return .failure(.tooLong) }
        guard let document = JSONScanner.document(record) else { return .failure(.malformed) }
        do throws(BadRecordReason) {
            let times = Times(recordTime: recordTime, receivedAt: receivedAt)
            return .success(try self.decode(document, record, Envelope(), times, place: place))
        } catch {
            return .failure(error)
        }
    }

    /// What an envelope says of the object in it.
    struct Envelope {
        var id: String?
        var kind: Kind?
        var at: Double?
    }

    /// When a record was written and when it came, in seconds since 1970.
    struct Times {
        /// The record's own time, else that of receipt.
        let recordedAt: Double
        /// What lies after it, by more than clocks differ, has not happened yet.
        let latest: Double

        init(recordTime: RecordTime?, receivedAt: Double) {
            // A timestamp that a producer left at its default says nothing.
            let written = recordTime.flatMap { $0.seconds > 1e9 ? $0.seconds : nil }
            if let written, recordTime?.isOfLog == true, written <= receivedAt + InvalidationTime.leeway {
                (self.recordedAt, self.latest) = (written, written)
            } else {
                (self.recordedAt, self.latest) = (min(written ?? receivedAt, receivedAt), receivedAt)
            }
        }
    }

    func decode(
        _ document: JSONValue, _ text: Span<UInt8>, _ envelope: Envelope, _ times: Times, place: String?
    ) throws(BadRecordReason) -> DecodedInvalidation {
        if document.isNull { throw .nullValue }
        guard document.kind == .object else { throw .malformed }
        let fields = try Fields(document, text, envelope)
        var isClamped = false
        // Reading again must not move what is clamped towards the present, nor a record's odd time before the event.
        let recorded = times.recordedAt
        let at = InvalidationTime.clamp(fields.at ?? recorded, after: times.latest, to: recorded, &isClamped)
        let substitute = min(max(recorded, at), times.latest)
        let before = InvalidationTime.clamp(fields.before ?? at, after: times.latest, to: substitute, &isClamped)
        let invalidation = Invalidation(
            id: fields.id ?? place ?? Self.digest(text), target: try fields.target(before: before), at: at,
            reason: fields.reason, source: fields.isFinding ? .pull : self.source)
        return DecodedInvalidation(invalidation, isClamped: isClamped)
    }

    /// The same bytes get the same name (FNV-1a).
    private static func digest(_ record: Span<UInt8>) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in record.indices { hash = (hash ^ UInt64(record[index])) &* 0x100_0000_01B3 }
        return "record-" + String(hash, radix: 16)
    }
}
