// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What the table knows of an identity.
package enum RevocationVerdict: Hashable, Sendable {
    case clear
    case revoked(CloseReason)
    /// Revocations from its time were evicted: whether it is revoked, only a validation can say.
    case belowFloor
}
