// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a token was found to be.
package enum TokenVerdict: Sendable {
    case verified(Identity)
    case rejected(TokenRejection)
    /// The key may be one that was not fetched yet: await `TokenVerifier.refreshKeys()`, then verify again, once.
    case keysNeeded
}
