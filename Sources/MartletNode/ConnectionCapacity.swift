// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletReactor

/// How many connections a node takes: as many as it is told, where the process may have the descriptors for them.
///
/// A node that believed in more would turn clients away at the descriptor limit while it told balancers, autoscalers
/// and the other nodes that it was nearly empty.
struct ConnectionCapacity: Equatable, Sendable {
    let connectionsMax: Int
    /// What is wrong with what the node was told, and what to do about it.
    let concern: String?

    /// - Parameters:
    ///   - configured: `limits.connections_max`, where it is set.
    ///   - descriptors: How many the process may have open.
    init(configured: Int?, descriptors: Int) {
        let most = DescriptorLimit.connections(of: descriptors)
        self.connectionsMax = min(configured ?? most, most)
        self.concern = configured.flatMap { configured in
            guard configured > most else { return nil }
            return """
                limits.connections_max is \(configured), but a process may have \(descriptors) descriptors here, \
                \(DescriptorLimit.reserved) of them for other things: the node takes \(most) connections. Raise the \
                limit (systemd: LimitNOFILE=, Docker: --ulimit nofile=, a shell: ulimit -Hn), or lower \
                limits.connections_max.
                """
        }
    }

    /// That of a node in this process, which may have as many descriptors as the hard limit says.
    static func here(_ configuration: NodeConfiguration) -> ConnectionCapacity {
        ConnectionCapacity(configured: configuration.limits.connectionsMax, descriptors: DescriptorLimit.raise())
    }
}
