// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The attributes of an event of CloudEvents 1.0 that say something about an invalidation.
package struct CloudEvent: Equatable, Sendable {
    private(set) var id: String?
    private(set) var type: String?
    private(set) var time: Double?
    private var source: String?
    private var version: String?
    private var contentType: String?

    /// The attributes in a record's headers, which the Kafka binding calls the binary mode; nil where the record has
    /// them in its value, as in the structured mode.
    package init?(_ header: (String) -> [UInt8]?) throws(BadRecordReason) {
        let contentType = try Self.text(header("content-type"))
        if contentType.map(Self.essence)?.hasPrefix("application/cloudevents") == true { return nil }
        guard let version = try Self.text(header("ce_specversion")) else { return nil }
        self.version = version
        self.contentType = contentType
        self.id = try Self.text(header("ce_id"))
        self.source = try Self.text(header("ce_source"))
        self.type = try Self.text(header("ce_type"))
        if let time = try Self.text(header("ce_time")) { self.time = try Self.time(RFC3339.parse(time)) }
        try self.validate()
    }

    /// The attributes of an event in JSON.
    /// - Parameter data: Takes what it is about; nil where it says nothing.
    init(_ document: JSONValue, _ text: Span<UInt8>, data: inout Data?) throws(BadRecordReason) {
        var members = document.members
        while let member = members.next(in: text) {
            let value = member.value
            if value.isNull { continue }
            switch member.name(in: text) {
            case "specversion": self.version = try Self.text(value, text)
            case "id": self.id = try Self.text(value, text)
            case "source": self.source = try Self.text(value, text)
            case "type": self.type = try Self.text(value, text)
            case "datacontenttype": self.contentType = try Self.text(value, text)
            case "time": self.time = try Self.time(InvalidationTime.read(value, text))
            case "data": data = .value(value)
            case "data_base64":
                guard let encoded = value.string(in: text) else { throw .wrongFieldType }
                guard let bytes = Base64.decode(encoded) else { throw .malformed }
                data = .bytes(bytes)
            default: break
            }
        }
        try self.validate()
    }

    /// What a structured event is about.
    enum Data {
        case value(JSONValue)
        case bytes([UInt8])
    }

    private func validate() throws(BadRecordReason) {
        guard let version = self.version else { throw .missingAttribute }
        guard version == "1.0" else { throw .unknownVersion }
        guard let id = self.id, !id.isEmpty, let type = self.type, !type.isEmpty, let source = self.source,
            !source.isEmpty
        else { throw .missingAttribute }
        guard id.utf8.count <= InvalidationDecoder.idBytesMax else { throw .tooLong }
    }

    /// Whether what it is about is JSON, which it is where nothing is said.
    var isJSON: Bool {
        guard let type = self.contentType.map(Self.essence) else { return true }
        return type == "application/json" || type == "text/json" || type.hasSuffix("+json")
    }

    /// A content type without its parameters.
    private static func essence(_ contentType: String) -> String {
        contentType.prefix { $0 != ";" && $0 != " " }.lowercased()
    }

    private static func text(_ header: [UInt8]?) throws(BadRecordReason) -> String? {
        guard let header else { return nil }
        guard let text = String(validating: header, as: UTF8.self) else { throw .malformed }
        return text
    }

    private static func text(_ value: JSONValue, _ text: Span<UInt8>) throws(BadRecordReason) -> String {
        guard value.kind == .string else { throw .wrongFieldType }
        guard let string = value.string(in: text) else { throw .malformed }
        return string
    }

    private static func time(_ time: Double?) throws(BadRecordReason) -> Double {
        guard let time, time >= 0, time <= InvalidationTime.secondsMax else { throw .badTime }
        return time
    }
}
