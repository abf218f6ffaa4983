// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Whether a bus does what it is for; an outage of it keeps a node ready, and is told.
package enum BusHealth: Hashable, Sendable {
    case healthy
    /// What is wrong, for operators: "redis: …".
    case degraded(String)
}
