// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Reads `%XX` (RFC 3986 section 2.1).
package enum PercentDecoding {
    /// The decoded bytes of a range, or nil where a `%` is not followed by two hexadecimal digits.
    package static func decode(
        _ bytes: Span<UInt8>, _ range: Range<Int>, plusIsSpace: Bool = false
    ) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard range.upperBound - index > 2, let high = bytes[index + 1].hexadecimalValue,
                    let low = bytes[index + 2].hexadecimalValue
                else { return nil }
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? .space : byte)
                index += 1
            }
        }
        return decoded
    }

    /// The same as text; nil also where the bytes are not UTF-8.
    package static func text(_ bytes: Span<UInt8>, _ range: Range<Int>, plusIsSpace: Bool = false) -> String? {
        Self.decode(bytes, range, plusIsSpace: plusIsSpace).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
