// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Walks `name=value&name=value` (application/x-www-form-urlencoded) without decoding what nobody asks for.
package struct QueryItems: Sendable {
    /// Where an item's parts lie, still encoded. An item without an equals sign has an empty value.
    package struct Item: Hashable, Sendable {
        package var name: Range<Int>
        package var value: Range<Int>

        package func decodedName(in bytes: Span<UInt8>) -> String? {
            PercentDecoding.text(bytes, self.name, plusIsSpace: true)
        }

        package func decodedValue(in bytes: Span<UInt8>) -> String? {
            PercentDecoding.text(bytes, self.value, plusIsSpace: true)
        }

        /// Whether the decoded name is `name`.
        func isNamed(_ name: String, in bytes: Span<UInt8>) -> Bool {
            if bytes.equals(self.name, name) { return true }
            return bytes.first(UInt8(ascii: "%"), in: self.name) != nil && self.decodedName(in: bytes) == name
        }
    }

    /// Items beyond this are not looked at.
    private static let itemsMax = 256

    private var rest: Range<Int>?
    private var count = 0

    package init(_ query: Range<Int>?) { self.rest = query }

    /// The next item that is not empty, or nil at the end.
    package mutating func next(in bytes: Span<UInt8>) -> Item? {
        while let range = self.rest, self.count < Self.itemsMax {
            let end = bytes.first(UInt8(ascii: "&"), in: range) ?? range.upperBound
            self.rest = end < range.upperBound ? (end + 1)..<range.upperBound : nil
            guard end > range.lowerBound else { continue }
            self.count += 1
            let item = range.lowerBound..<end
            guard let sign = bytes.first(.equalsSign, in: item) else { return Item(name: item, value: end..<end) }
            return Item(name: item.lowerBound..<sign, value: (sign + 1)..<end)
        }
        return nil
    }

    /// The decoded value of the first item of a name; nil where there is none or it does not decode.
    package static func first(_ name: String, in bytes: Span<UInt8>, query: Range<Int>?) -> String? {
        var items = QueryItems(query)
        while let item = items.next(in: bytes) {
            if item.isNamed(name, in: bytes) { return item.decodedValue(in: bytes) }
        }
        return nil
    }

    /// The decoded values of all items of a name, in order; nil where one of them does not decode.
    package static func all(_ name: String, in bytes: Span<UInt8>, query: Range<Int>?) -> [String]? {
        var items = QueryItems(query)
        var values: [String] = []
        while let item = items.next(in: bytes) {
            guard item.isNamed(name, in: bytes) else { continue }
            guard let value = item.decodedValue(in: bytes) else { return nil }
            values.append(value)
        }
        return values
    }
}
