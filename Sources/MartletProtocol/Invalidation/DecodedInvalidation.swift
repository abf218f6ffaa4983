// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// An invalidation as it was read.
package struct DecodedInvalidation: Equatable, Sendable {
    package var invalidation: Invalidation
    /// Whether a time lay so far in the future that the time of receipt took its place.
    package var isClamped: Bool

    package init(_ invalidation: Invalidation, isClamped: Bool) {
        self.invalidation = invalidation
        self.isClamped = isClamped
    }
}
