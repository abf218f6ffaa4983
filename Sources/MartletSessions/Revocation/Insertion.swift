// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What became of an invalidation in the table.
package enum Insertion: String, Sendable {
    case added
    /// The table held it already, or one that says more.
    case known
    /// Every token that it could match has expired.
    case expired
}
