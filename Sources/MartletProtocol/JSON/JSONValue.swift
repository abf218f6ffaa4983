// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A value inside JSON text: what kind it is and where its bytes lie. It holds no bytes itself; whoever reads it gives
/// the same text again, so that nothing is copied before it is wanted.
package struct JSONValue: Equatable, Sendable {
    package enum Kind: Sendable {
        case object, array, string, number, boolean, null
    }

    package let kind: Kind
    /// The whole value, quotes and brackets included.
    package let range: Range<Int>
    /// Whether a string holds escapes.
    let isEscaped: Bool

    /// Only the scanner makes these, of text that it has validated.
    init(kind: Kind, range: Range<Int>, isEscaped: Bool = false) {
        self.kind = kind
        self.range = range
        self.isEscaped = isEscaped
    }

    package var isNull: Bool { self.kind == .null }

    /// The members of an object; none of anything else.
    package var members: JSONMembers { JSONMembers(of: self) }
    /// The elements of an array; none of anything else.
    package var elements: JSONElements { JSONElements(of: self) }

    /// The text of a string, escapes resolved; nil for another kind, and for half of a surrogate pair, which names no
    /// character: two different escapes must not become the same name.
    package func string(in text: Span<UInt8>) -> String? {
        guard self.kind == .string, self.range.count >= 2, self.range.upperBound <= text.count else { return nil }
        let inner = (self.range.lowerBound + 1)..<(self.range.upperBound - 1)
        if self.isEscaped { return JSONEscapes.resolve(text, inner) }
        guard let valid = try? UTF8Span(validating: text.extracting(inner)) else { return nil }
        return String(copying: valid)
    }

    package func boolean(in text: Span<UInt8>) -> Bool? {
        guard self.kind == .boolean, self.range.upperBound <= text.count else { return nil }
        return text[self.range.lowerBound] == UInt8(ascii: "t")
    }

    /// A number written without fraction and exponent that fits; nil for any other, never a rounded one.
    package func int64(in text: Span<UInt8>) -> Int64? {
        guard self.kind == .number, self.range.upperBound <= text.count else { return nil }
        let isNegative = text[self.range.lowerBound] == UInt8(ascii: "-")
        let digits = (self.range.lowerBound + (isNegative ? 1 : 0))..<self.range.upperBound
        guard let magnitude = Self.magnitude(text, digits) else { return nil }
        guard isNegative else { return Int64(exactly: magnitude) }
        return magnitude <= UInt64(Int64.max) + 1 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }

    /// A number from zero up, written without fraction and exponent, that fits.
    package func uint64(in text: Span<UInt8>) -> UInt64? {
        guard self.kind == .number, self.range.upperBound <= text.count else { return nil }
        return Self.magnitude(text, self.range)
    }

    /// Any number that a `Double` can say as a finite one.
    package func double(in text: Span<UInt8>) -> Double? {
        guard self.kind == .number, self.range.upperBound <= text.count, self.range.count <= 1024 else { return nil }
        if self.range.count <= 15, let whole = self.int64(in: text) { return Double(whole) }
        guard let valid = try? UTF8Span(validating: text.extracting(self.range)) else { return nil }
        guard let number = Double(String(copying: valid)), number.isFinite else { return nil }
        return number
    }

    /// The value as it stands, on one line: the carriage returns and line feeds in valid JSON are all between tokens,
    /// because strings hold none.
    package func raw(in text: Span<UInt8>) -> [UInt8] {
        guard self.range.upperBound <= text.count else { return [] }
        var copy: [UInt8] = []
        copy.appendOneLine(text.extracting(self.range))
        return copy
    }

    private static func magnitude(_ text: Span<UInt8>, _ digits: Range<Int>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 20 else { return nil }
        var value: UInt64 = 0
        for index in digits {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (product, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, overAgain) = product.addingReportingOverflow(UInt64(digit))
            guard !over, !overAgain else { return nil }
            value = sum
        }
        return value
    }
}

extension [UInt8] {
    /// Appends bytes without their carriage returns and line feeds.
    mutating func appendOneLine(_ bytes: Span<UInt8>) {
        self.reserveCapacity(self.count + bytes.count)
        for index in bytes.indices {
            let byte = bytes[index]
            if byte != 0x0A && byte != 0x0D { self.append(byte) }
        }
    }
}
