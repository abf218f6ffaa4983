// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The way to a field within objects, its names with dots between them: `payload.after.state`.
package struct JSONPath: Hashable, Sendable, CustomStringConvertible {
    private let names: [String]

    /// Nil where a name is empty.
    package init?(_ text: String) {
        let names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard names.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.names = names
    }

    package var description: String { self.names.joined(separator: ".") }

    /// The value at the end of the way; nil where it leads nowhere. Of two members with one name the last counts.
    func value(in document: JSONValue, _ text: Span<UInt8>) -> JSONValue? {
        var value = document
        for name in self.names {
            var (found, members) = (JSONValue?.none, value.members)
            while let member = members.next(in: text) {
                if member.key.string(in: text) == name { found = member.value }
            }
            guard let found else { return nil }
            value = found
        }
        return value
    }
}
