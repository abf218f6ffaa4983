// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletProtocol

/// What a token that says that a session has ended was found to be.
package enum EventTokenVerdict: Equatable, Sendable {
    case verified(EventTokenClaims)
    /// In order as far as can be told, with a key that is not known.
    case unverified(EventTokenClaims)
    case refused(BadRecordReason)
}
