// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why a connection is not admitted; the name is the label of `martlet_connections_refused_total`.
package enum AdmissionRefusal: String, CaseIterable, Sendable {
    case capacity, rate, address, user, draining
    case notReady = "not_ready"
    /// The authority over sessions did not say whether the session is alive.
    case unvalidated = "validation_unavailable"

    /// Whether one client has too much, not the node: 429 then, else 503.
    package var isOfClient: Bool { self == .address || self == .user }
}
