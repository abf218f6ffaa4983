// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Looks up one cookie (RFC 6265 section 5.4).
package enum Cookies {
    /// Where the value of the first cookie of a name lies, without quotes around it. Names are compared exactly.
    package static func value(_ name: String, in bytes: Span<UInt8>, lines: HTTPFieldLines) -> Range<Int>? {
        for index in 0..<lines.count {
            var rest: Range<Int>? = lines[index]
            while let pair = bytes.cut(&rest, at: .semicolon) {
                guard let sign = bytes.first(.equalsSign, in: pair),
                    bytes.equals(bytes.trimmed(pair.lowerBound..<sign), name)
                else { continue }
                return Self.unquoted(bytes, bytes.trimmed((sign + 1)..<pair.upperBound))
            }
        }
        return nil
    }

    private static func unquoted(_ bytes: Span<UInt8>, _ value: Range<Int>) -> Range<Int> {
        let quote = UInt8(ascii: "\"")
        guard value.count >= 2, bytes[value.lowerBound] == quote, bytes[value.upperBound - 1] == quote else {
            return value
        }
        return (value.lowerBound + 1)..<(value.upperBound - 1)
    }
}
