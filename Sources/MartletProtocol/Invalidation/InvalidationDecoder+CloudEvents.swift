// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension InvalidationDecoder {
    /// Reads an event of CloudEvents 1.0 about an invalidation, structured (JSON) or with its attributes in the record's
    /// headers (`ce_*`, and `content-type` for that of the data).
    ///
    /// The data is an object of the `martlet` format. What it leaves out comes from the envelope: `id`; `at` from `time`;
    /// and `type`, which there may stand behind a name of its owner's (`com.example.session.revoked`). Where neither has
    /// a type that is known here, the event is about something else.
    ///
    /// - Parameter header: The last header of a name, where the record has it.
    package func cloudEvent(
        _ record: Span<UInt8>?, header: (String) -> [UInt8]?, recordTime: RecordTime? = nil, receivedAt: Double,
        place: String? = nil
    ) -> InvalidationOutcome {
        // Until its type is read, nothing says that it is about something else.
        var kind: Kind? = .session
        do throws(BadRecordReason) {
            let times = Times(recordTime: recordTime, receivedAt: receivedAt)
            if let event = try CloudEvent(header) {
                kind = event.kind
                guard event.isJSON else { throw .unsupportedContent }
                guard let record else { throw .nullValue }
                guard record.count <= Self.recordBytesMax else { throw .tooLong }
                guard let document = JSONScanner.document(record) else { throw .malformed }
                return .decoded(try self.decode(document, record, event.envelope, times, place: place))
            }
            guard let record else { throw .nullValue }
            guard record.count <= Self.recordBytesMax else { throw .tooLong }
            guard let document = JSONScanner.document(record), document.kind == .object else { throw .malformed }
            var data: CloudEvent.Data?
            let event = try CloudEvent(document, record, data: &data)
            kind = event.kind
            guard event.isJSON else { throw .unsupportedContent }
            switch data {
            case nil: throw .missingTarget
            case .value(let value):
                return .decoded(try self.decode(value, record, event.envelope, times, place: place))
            case .bytes(let bytes):
                guard let inner = JSONScanner.document(bytes.span) else { throw .malformed }
                return .decoded(try self.decode(inner, bytes.span, event.envelope, times, place: place))
            }
        } catch {
            return kind == nil && error.isOfOthersData ? .foreign : .bad(error)
        }
    }
}

extension CloudEvent {
    fileprivate var kind: InvalidationDecoder.Kind? { self.type.flatMap(InvalidationDecoder.Kind.init(suffix:)) }
    fileprivate var envelope: InvalidationDecoder.Envelope { .init(id: self.id, kind: self.kind, at: self.time) }
}

extension BadRecordReason {
    /// Whether the data of an event about something else may look like this.
    fileprivate var isOfOthersData: Bool {
        switch self {
        case .unknownType, .unsupportedContent, .nullValue, .malformed, .missingTarget, .tooLong, .unknownVersion,
            .wrongFieldType, .badTime, .emptyValue:
            true
        default: false
        }
    }
}
