// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What happens to tokens that may outlive the memory of their revocation (`sessions.unbounded_tokens`).
package enum UnboundedTokens: String, CaseIterable, Sendable {
    /// They are rejected, and the rejection names the claim.
    case refuse
    /// They are accepted, and their session is validated at once.
    case validate
    case allow
}
