// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a token or the back-end says about one subscription where the namespace says otherwise; nil leaves it to the
/// namespace.
package struct SubscriptionOverrides: Hashable, Sendable {
    package var presence: Bool?
    package var joinLeave: Bool?
    /// Joins and leaves are sent to this subscription though the client did not ask for them.
    package var forceJoinLeave: Bool?
    package var forceRecovery: Bool?
    package var forcePositioning: Bool?

    package init() {}

    package var isEmpty: Bool { self == SubscriptionOverrides() }
}
