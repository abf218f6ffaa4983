// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a token for one channel was found to be.
package enum SubscriptionTokenVerdict: Sendable {
    case verified(SubscriptionToken)
    case rejected(TokenRejection)
    /// The key may be one that was not fetched yet.
    case keysNeeded
}
