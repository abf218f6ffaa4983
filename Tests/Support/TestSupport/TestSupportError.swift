// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a test needed and did not get.
package struct TestSupportError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
