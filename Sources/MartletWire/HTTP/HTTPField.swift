// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A header field of an answer.
package struct HTTPField: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
