// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// The fields of a request's body, or of an object within it; it says which one is wrong.
///
/// Only fields that the request's list names can be read, so that the list is the truth about the request.
struct APIFields {
    /// What precedes a field's name in the list: empty, or the object's own name and a dot.
    private let prefix: String
    private let known: [String]
    private var values: [String: JSONValue] = [:]

    init(_ body: Span<UInt8>, _ known: [String]) throws(APIError) {
        guard let document = JSONScanner.document(body) else { throw .badRequest("the body is not JSON") }
        guard document.kind == .object else { throw .badRequest("the body is not an object") }
        self.init(document, body, known, prefix: "")
    }

    private init(_ object: JSONValue, _ body: Span<UInt8>, _ known: [String], prefix: String) {
        self.prefix = prefix
        self.known = known
        var members = object.members
        // Of two fields with one name the last counts.
        while let member = members.next(in: body) { self.values[member.name(in: body)] = member.value }
    }

    /// The field's value; nil where it is absent or null.
    func value(_ name: String) -> JSONValue? {
        assert(self.known.contains { $0 == self.prefix + name || $0.hasPrefix(self.prefix + name + ".") })
        guard let value = self.values[name], !value.isNull else { return nil }
        return value
    }

    /// Empty where it is absent.
    func text(_ name: String, _ body: Span<UInt8>) throws(APIError) -> String {
        guard let value = self.value(name) else { return "" }
        guard let text = value.string(in: body) else { throw self.wrong(name, "not a string") }
        return text
    }

    func required(
        _ name: String, _ body: Span<UInt8>, bytesMax: Int = .max
    ) throws(APIError) -> String {
        let text = try self.text(name, body)
        if text.isEmpty { throw .badRequest("\(self.prefix)\(name) is missing") }
        guard text.utf8.count <= bytesMax else { throw self.wrong(name, "longer than \(bytesMax) bytes") }
        return text
    }

    func texts(_ name: String, _ body: Span<UInt8>, countMax: Int) throws(APIError) -> [String] {
        guard let value = self.value(name) else { return [] }
        guard value.kind == .array else { throw self.wrong(name, "not an array") }
        var texts: [String] = []
        var elements = value.elements
        while let element = elements.next(in: body) {
            guard let text = element.string(in: body) else { throw .badRequest("\(name) holds what is not a string") }
            guard texts.count < countMax else { throw .badRequest("\(name) has more than \(countMax) elements") }
            texts.append(text)
        }
        return texts
    }

    /// An object whose members are strings, as JSON on one line; nil where it is absent or empty.
    func tags(_ name: String, _ body: Span<UInt8>) throws(APIError) -> [UInt8]? {
        guard let value = self.value(name) else { return nil }
        guard value.kind == .object else { throw self.wrong(name, "not an object") }
        var isEmpty = true
        var members = value.members
        while let member = members.next(in: body) {
            guard member.value.kind == .string else { throw .badRequest("\(name) holds what is not a string") }
            isEmpty = false
        }
        return isEmpty ? nil : value.raw(in: body)
    }

    func flag(_ name: String, _ body: Span<UInt8>) throws(APIError) -> Bool {
        guard let value = self.value(name) else { return false }
        guard let flag = value.boolean(in: body) else { throw self.wrong(name, "neither true nor false") }
        return flag
    }

    func unsigned(_ name: String, _ body: Span<UInt8>) throws(APIError) -> UInt64 {
        guard let value = self.value(name) else { return 0 }
        guard let number = value.uint64(in: body) else { throw self.wrong(name, "not a whole number from 0 up") }
        return number
    }

    func signed(_ name: String, _ body: Span<UInt8>) throws(APIError) -> Int64 {
        guard let value = self.value(name) else { return 0 }
        guard let number = value.int64(in: body) else { throw self.wrong(name, "not a whole number") }
        return number
    }

    /// Seconds since 1970; nil where it is absent or 0.
    func time(_ name: String, _ body: Span<UInt8>) throws(APIError) -> Int64? {
        let time = try self.signed(name, body)
        guard time >= 0 else { throw self.wrong(name, "before 1970") }
        return time == 0 ? nil : time
    }

    /// Any JSON, on one line; nil where it is absent or null.
    func json(_ name: String, _ body: Span<UInt8>) -> [UInt8]? { self.value(name)?.raw(in: body) }

    /// JSON that `plain` holds as it is, or `base64`, which wins, in base64; nil where neither is there.
    func payload(_ plain: String, base64: String, _ body: Span<UInt8>) throws(APIError) -> [UInt8]? {
        guard let bytes = try self.bytes(base64, body) else { return self.json(plain, body) }
        guard let payload = Payload.normalize(bytes) else { throw self.wrong(base64, "neither JSON nor UTF-8") }
        return payload
    }

    /// Any bytes in base64; nil where it is absent or empty.
    func bytes(_ name: String, _ body: Span<UInt8>) throws(APIError) -> [UInt8]? {
        let text = try self.text(name, body)
        guard !text.isEmpty else { return nil }
        guard let bytes = Base64.decode(text) else { throw self.wrong(name, "not base64") }
        return bytes
    }

    func object(_ name: String, _ body: Span<UInt8>) throws(APIError) -> APIFields? {
        guard let value = self.value(name) else { return nil }
        guard value.kind == .object else { throw self.wrong(name, "not an object") }
        return APIFields(value, body, self.known, prefix: self.prefix + name + ".")
    }

    /// `{"offset", "epoch"}`.
    func position(_ name: String, _ body: Span<UInt8>) throws(APIError) -> StreamPosition? {
        guard let fields = try self.object(name, body) else { return nil }
        return StreamPosition(offset: try fields.unsigned("offset", body), epoch: try fields.text("epoch", body))
    }

    /// `{"value": true}`, or nil.
    func wrapped(_ name: String, _ body: Span<UInt8>) throws(APIError) -> Bool? {
        try self.object(name, body)?.flag("value", body)
    }

    /// Whether it is there, be it null.
    func has(_ name: String) -> Bool { self.values[name] != nil }

    private func wrong(_ name: String, _ what: String) -> APIError {
        .badRequest("\(self.prefix)\(name) is \(what)")
    }
}
