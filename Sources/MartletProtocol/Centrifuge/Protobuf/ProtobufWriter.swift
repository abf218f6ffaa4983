// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Writes fields into one growing array; zero values are left out, as proto3 has it. The caller says lengths before
/// contents, so that nothing is moved afterwards.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: Bytes to make room for at once.
    init(capacity: Int) { self.bytes.reserveCapacity(capacity) }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            self.bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(_ bytes: [UInt8]) { self.bytes.append(contentsOf: bytes) }

    /// The head of a field with a length: a message, whose fields follow, as well as text and bytes.
    mutating func head(_ field: UInt8, length: Int) {
        self.bytes.append(field << 3 | 2)
        self.varint(UInt64(length))
    }

    mutating func field(_ field: UInt8, _ content: [UInt8]) {
        guard !content.isEmpty else { return }
        self.head(field, length: content.count)
        self.bytes.append(contentsOf: content)
    }

    mutating func field(_ field: UInt8, _ text: String) {
        if !text.isEmpty { self.text(field, text) }
    }

    /// Text that is there even when empty.
    mutating func text(_ field: UInt8, _ text: String) {
        self.head(field, length: text.utf8.count)
        self.bytes.append(contentsOf: text.utf8)
    }

    mutating func field(_ field: UInt8, _ value: UInt64) {
        guard value != 0 else { return }
        self.bytes.append(field << 3)
        self.varint(value)
    }

    // MARK: - Lengths

    /// Bytes of a field with a length, its head included. The numbers of all fields here take one byte.
    static func length(withHead content: Int) -> Int { 1 + ProtobufVarint.length(UInt64(content)) + content }

    static func length(ofAny content: Int) -> Int { content == 0 ? 0 : self.length(withHead: content) }

    static func length(of value: UInt64) -> Int { value == 0 ? 0 : 1 + ProtobufVarint.length(value) }
}
