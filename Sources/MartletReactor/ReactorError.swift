// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why a reactor or a listener could not be set up: a text for the one who runs the node.
package struct ReactorError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// What the system said, or zero.
    package let code: Int32

    package init(_ description: String, code: Int32 = 0) {
        self.description = code == 0 ? description : "\(description): \(SystemError.text(code))"
        self.code = code
    }
}
