// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A field has the wrong type, or a number that does not fit its field.
struct MalformedField: Error {}

/// Fields of a message as Protobuf's JSON mapping has them: null means absent, which reads as the field's zero.
extension JSONValue {
    func text(_ text: Span<UInt8>) throws(MalformedField) -> String {
        if self.isNull { return "" }
        guard let value = self.string(in: text) else { throw MalformedField() }
        return value
    }

    func flag(_ text: Span<UInt8>) throws(MalformedField) -> Bool {
        if self.isNull { return false }
        guard let value = self.boolean(in: text) else { throw MalformedField() }
        return value
    }

    func unsigned32(_ text: Span<UInt8>) throws(MalformedField) -> UInt32 {
        guard let value = UInt32(exactly: try self.unsigned(text)) else { throw MalformedField() }
        return value
    }

    func unsigned(_ text: Span<UInt8>) throws(MalformedField) -> UInt64 {
        if self.isNull { return 0 }
        guard let value = self.uint64(in: text) else { throw MalformedField() }
        return value
    }

    func signed(_ text: Span<UInt8>) throws(MalformedField) -> Int64 {
        if self.isNull { return 0 }
        guard let value = self.int64(in: text) else { throw MalformedField() }
        return value
    }

    func signed32(_ text: Span<UInt8>) throws(MalformedField) -> Int32 {
        guard let value = Int32(exactly: try self.signed(text)) else { throw MalformedField() }
        return value
    }

    /// Embedded JSON on one line; nil for null.
    func embedded(_ text: Span<UInt8>) -> [UInt8]? { self.isNull ? nil : self.raw(in: text) }

    /// An object whose members are the fields of a message; null is a message without any.
    func message(_ text: Span<UInt8>) throws(MalformedField) -> JSONMembers {
        guard self.kind == .object || self.isNull else { throw MalformedField() }
        return self.members
    }
}
