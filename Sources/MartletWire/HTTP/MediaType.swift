// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Media types in requests.
package enum MediaType {
    package static let eventStream = "text/event-stream"

    package static let octetStream = "application/octet-stream"

    /// Whether a `Content-Type` field names a type, given in lower case; its parameters do not count.
    package static func names(_ type: String, _ field: Range<Int>?, in bytes: Span<UInt8>) -> Bool {
        var rest = field
        guard let name = bytes.cut(&rest, at: .semicolon) else { return false }
        return bytes.matches(name, lowercased: type)
    }

    /// Whether an `Accept` field allows a media type (RFC 9110 section 12.5.1).
    ///
    /// - Parameter type: In lower case, as `text/event-stream`. Without the field everything is accepted.
    package static func isAccepted(_ type: String, by lines: HTTPFieldLines, in bytes: Span<UInt8>) -> Bool {
        guard !lines.isEmpty else { return true }
        let family = type.prefix { $0 != "/" } + "/*"
        // The most specific range decides, whatever its place.
        var best = (rank: 0, accepted: false)
        for index in 0..<lines.count {
            var rest: Range<Int>? = lines[index]
            while let element = bytes.cut(&rest, at: .comma) {
                var parameters: Range<Int>? = element
                guard let range = bytes.cut(&parameters, at: .semicolon) else { continue }
                let rank: Int
                if bytes.matches(range, lowercased: type) {
                    rank = 3
                } else if bytes.matches(range, lowercased: String(family)) {
                    rank = 2
                } else {
                    rank = bytes.equals(range, "*/*") ? 1 : 0
                }
                if rank > best.rank { best = (rank, !Self.hasZeroWeight(bytes, parameters)) }
            }
        }
        return best.accepted
    }

    /// `q=0`, `q=0.0`, `q=0.00`, `q=0.000`.
    private static func hasZeroWeight(_ bytes: Span<UInt8>, _ parameters: Range<Int>?) -> Bool {
        var rest = parameters
        while let parameter = bytes.cut(&rest, at: .semicolon) {
            guard parameter.count >= 3,
                bytes.matches(parameter.lowerBound..<(parameter.lowerBound + 2), lowercased: "q=")
            else { continue }
            for index in (parameter.lowerBound + 2)..<parameter.upperBound
            where bytes[index] != UInt8(ascii: "0") && bytes[index] != UInt8(ascii: ".") {
                return false
            }
            return true
        }
        return false
    }
}
