// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A member of an object.
package struct JSONMember: Equatable, Sendable {
    /// The name, as a string value.
    package let key: JSONValue
    package let value: JSONValue

    /// The name where it is one that a protocol may define: short and without escapes that make no sense in it. Any
    /// other is given as empty, which no protocol defines, so that a long unknown name costs no allocation.
    package func name(in text: Span<UInt8>) -> String {
        self.key.range.count <= 34 ? self.key.string(in: text) ?? "" : ""
    }
}
