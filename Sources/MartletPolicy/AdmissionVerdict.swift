// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The decision on one connection.
package enum AdmissionVerdict: Hashable, Sendable {
    case admit
    /// Come back after so many seconds, which are spread so that those refused together do not return together.
    case refuse(AdmissionRefusal, retryAfter: Int)
}
