// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A key of the configuration, or a key set, that cannot be used; the text never has key material in it.
package struct TokenKeyError: Error, CustomStringConvertible, Hashable {
    package let description: String

    init(_ description: String) { self.description = description }
}
