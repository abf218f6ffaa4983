// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the authority said of a session.
package enum ValidationOutcome: Hashable, Sendable {
    case active
    /// Active, and to be asked about again no later than after this.
    case activeFor(Duration)
    case revoked(reason: String?)
    /// It could not say; to be asked again.
    case unknown
}
