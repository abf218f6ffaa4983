// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension JSONScanner {
    /// The members of an object of strings, in their order; none of any other text, and none but strings.
    package static func strings(_ text: Span<UInt8>) -> [(key: String, value: String)] {
        guard let object = self.document(text) else { return [] }
        var strings: [(key: String, value: String)] = []
        var members = object.members
        while let member = members.next(in: text) {
            guard let key = member.key.string(in: text), let value = member.value.string(in: text) else { continue }
            strings.append((key, value))
        }
        return strings
    }
}
