// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What the revocation table keeps of a target.
package struct RememberedRevocation: Equatable, Sendable {
    package var closeReason: CloseReason
    /// The latest time of issue that is ended, in seconds since 1970; nil for every token.
    package var before: Int64?
    /// For how long it is remembered.
    package var secondsLeft: Int
}
