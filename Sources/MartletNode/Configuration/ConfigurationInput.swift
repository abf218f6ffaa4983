// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A value as it was written, before anybody knows what it should be.
package struct ConfigurationInput: Sendable {
    package enum Content: Sendable {
        case empty
        case text(String)
        case list([ConfigurationInput])
        case map([Entry])
    }

    package struct Entry: Sendable {
        package var name: String
        /// Where the name stands.
        package var origin: ConfigurationOrigin
        package var value: ConfigurationInput
    }

    package var content: Content
    package var origin: ConfigurationOrigin

    package init(_ content: Content, at origin: ConfigurationOrigin) {
        self.content = content
        self.origin = origin
    }

    /// The parts of a list; text is a list whose parts are separated by commas, as the environment writes it.
    var elements: [ConfigurationInput] {
        switch self.content {
        case .empty: []
        case .list(let elements): elements
        case .text(let text):
            text.split(separator: ",").map {
                ConfigurationInput(.text($0.trimmingCharacters(in: .whitespaces)), at: self.origin)
            }
        case .map: [self]
        }
    }

    /// The pairs of a map; outside a file they are written `name=value`, separated by commas.
    var properties: [(name: String, value: ConfigurationInput)] {
        if case .map(let entries) = self.content { return entries.map { ($0.name, $0.value) } }
        return self.elements.map { element in
            guard case .text(let text) = element.content, let equals = text.firstIndex(of: "=") else {
                return ("…", ConfigurationInput(.empty, at: element.origin))
            }
            let value = String(text[text.index(after: equals)...])
            return (String(text[..<equals]), ConfigurationInput(.text(value), at: element.origin))
        }
    }

    /// What it is, for a message.
    var kind: String {
        switch self.content {
        case .empty: "empty"
        case .text(let text): "“\(text)”"
        case .list: "a list"
        case .map: "a section"
        }
    }
}
