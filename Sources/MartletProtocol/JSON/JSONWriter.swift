// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Writes JSON into one growing array of bytes, on one line; it puts the commas, the caller the brackets in pairs.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8]
    /// Whether a comma must come before what is written next.
    private var isComma = false

    /// - Parameter capacity: Bytes to make room for at once.
    package init(capacity: Int = 128) {
        self.bytes = []
        self.bytes.reserveCapacity(capacity)
    }

    /// Goes on after bytes that are complete in themselves, such as messages of the same frame.
    package init(appendingTo bytes: consuming [UInt8]) { self.bytes = bytes }

    package mutating func beginObject() { self.open(UInt8(ascii: "{")) }
    package mutating func endObject() { self.close(UInt8(ascii: "}")) }
    package mutating func beginArray() { self.open(UInt8(ascii: "[")) }
    package mutating func endArray() { self.close(UInt8(ascii: "]")) }

    package mutating func key(_ name: String) {
        self.string(name)
        self.bytes.append(UInt8(ascii: ":"))
        self.isComma = false
    }

    package mutating func string(_ text: String) {
        self.separate()
        JSONEscapes.append(text, to: &self.bytes)
    }

    package mutating func integer(_ value: Int64) {
        if value < 0 {
            self.separate()
            self.bytes.append(UInt8(ascii: "-"))
        } else {
            self.separate()
        }
        self.bytes.append(decimal: value.magnitude)
    }

    package mutating func integer(_ value: UInt64) {
        self.separate()
        self.bytes.append(decimal: value)
    }

    /// The shortest text that reads back as the same number; `null` for what JSON cannot say.
    package mutating func double(_ value: Double) {
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return self.integer(whole) }
        self.separate()
        self.bytes.append(contentsOf: (value.isFinite ? value.description : "null").utf8)
    }

    package mutating func boolean(_ value: Bool) {
        self.separate()
        self.bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    package mutating func null() {
        self.separate()
        self.bytes.append(contentsOf: "null".utf8)
    }

    /// A value that is JSON on one line already.
    package mutating func raw(_ json: [UInt8]) {
        self.separate()
        self.bytes.append(contentsOf: json)
    }

    private mutating func separate() {
        if self.isComma { self.bytes.append(UInt8(ascii: ",")) }
        self.isComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        self.separate()
        self.bytes.append(bracket)
        self.isComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        self.bytes.append(bracket)
        self.isComma = true
    }
}

// MARK: - Members

extension JSONWriter {
    package mutating func member(_ name: String, _ text: String) {
        self.key(name)
        self.string(text)
    }

    package mutating func member(_ name: String, _ value: Int64) {
        self.key(name)
        self.integer(value)
    }

    package mutating func member(_ name: String, _ value: UInt64) {
        self.key(name)
        self.integer(value)
    }

    package mutating func member(_ name: String, _ value: UInt32) { self.member(name, UInt64(value)) }

    package mutating func member(_ name: String, _ value: Double) {
        self.key(name)
        self.double(value)
    }

    package mutating func member(_ name: String, _ value: Bool) {
        self.key(name)
        self.boolean(value)
    }

    package mutating func member(_ name: String, raw json: [UInt8]) {
        self.key(name)
        self.raw(json)
    }

    /// Only where there is something to say.
    package mutating func member(_ name: String, ifAny text: String?) {
        if let text, !text.isEmpty { self.member(name, text) }
    }

    package mutating func member(_ name: String, ifAny json: [UInt8]?) {
        if let json, !json.isEmpty { self.member(name, raw: json) }
    }

    package mutating func member(_ name: String, ifNotZero value: UInt64) {
        if value != 0 { self.member(name, value) }
    }

    package mutating func member(_ name: String, ifTrue value: Bool) {
        if value { self.member(name, true) }
    }
}

extension [UInt8] {
    mutating func append(decimal value: UInt64) {
        guard value >= 10 else { return self.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)) }
        let first = self.count
        var rest = value
        while rest > 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            self.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
            rest = quotient
        }
        self[first...].reverse()
    }
}
