// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Whether what is produced reaches this node.
package enum KafkaHealth: Sendable, Hashable {
    case healthy
    /// Why it may not.
    case unhealthy(String)

    package var isHealthy: Bool { self == .healthy }
}
