// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The head of an answer, as a tool or a test reads it.
package struct HTTPResponseHead: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        case needMore
        case head(HTTPResponseHead)
        case invalid
    }

    private static let bytesMax = 65_536

    package var status: Int
    /// Names in lower case.
    package var fields: [HTTPField]
    /// Bytes of the head with its blank line.
    package var length: Int

    package static func parse(_ bytes: Span<UInt8>) -> Outcome {
        guard let end = HTTPRequestParser.headEnd(in: bytes, from: 0) else {
            return bytes.count < Self.bytesMax ? .needMore : .invalid
        }
        guard end > 16, bytes.equals(0..<7, "HTTP/1."), let status = bytes.decimal(9..<12) else { return .invalid }
        var head = HTTPResponseHead(status: status, fields: [], length: end)
        var rest: Range<Int>? = 0..<(end - 4)
        _ = bytes.cut(&rest, at: .lineFeed)
        while let range = rest {
            let lineEnd = bytes.first(.lineFeed, in: range) ?? range.upperBound
            let line = range.lowerBound..<lineEnd
            rest = lineEnd < range.upperBound ? (lineEnd + 1)..<range.upperBound : nil
            guard let colon = bytes.first(.colon, in: line) else { return .invalid }
            var value = (colon + 1)..<line.upperBound
            if !value.isEmpty, bytes[value.upperBound - 1] == .carriageReturn {
                value = value.lowerBound..<(value.upperBound - 1)
            }
            let name = bytes.text(line.lowerBound..<colon).lowercased()
            head.fields.append(HTTPField(name, bytes.text(bytes.trimmed(value))))
        }
        return .head(head)
    }

    /// - Parameter name: In lower case.
    package func value(of name: String) -> String? { self.fields.first { $0.name == name }?.value }
}
