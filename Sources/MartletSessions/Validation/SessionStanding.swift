// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How a session of this node stands with the authority.
package struct SessionStanding: Equatable, Sendable {
    package enum Answer: String, Sendable {
        /// The last one was good, or there was none yet.
        case active
        /// The last question had no answer.
        case unknown
        /// There was no good one for too long.
        case stale
    }

    /// Since the last good answer, or since the first connection opened.
    package var goodFor: Duration
    package var answer: Answer
    /// Until it is asked about again; nil while it is.
    package var nextIn: Duration?
}
