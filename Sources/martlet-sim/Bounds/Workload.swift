// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A cluster and what it is used for, as far as it decides what breaks.
struct Workload: Sendable {
    var connections: Double
    var nodes: Double
    /// Channels of a client's own.
    var ownChannels = 1.0
    /// Publications to single clients: seconds between two of them, for one client.
    var personalInterval = 60.0
    /// Publications a second to channels that every node has subscribers of.
    var broadcasts = 20.0
    /// Questions a second to all nodes, over the API.
    var questions = 5.0
    /// Seconds between two ends of a session by event, of one client, and the longest life of its tokens.
    var revocationInterval = 86_400.0
    var tokenLifetime = 86_400.0
    /// Seconds between two validations of a session: while events come, and while they do not.
    var validationInterval = 600.0
    var validationDegraded = 60.0

    var perNode: Double { self.connections / self.nodes }
    /// Revocations a second.
    var revocations: Double { self.connections / self.revocationInterval }

    /// The same with so many connections, on as many more or fewer nodes.
    func scaled(to connections: Double) -> Workload {
        var scaled = self
        scaled.nodes = max(1, self.nodes * connections / self.connections)
        scaled.connections = connections
        return scaled
    }
}
