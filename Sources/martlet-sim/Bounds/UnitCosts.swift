// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What one thing costs, as `Docs/Benchmarks.md` had it when `Docs/Scaling.md` was computed.
struct UnitCosts: Sendable {
    /// Seconds of one Redis server's only thread: a publication, each node that gets it, a channel subscribed to, an
    /// entry of presence (Deploy/bench/redis.py).
    var publication = 0.5e-6
    var delivery = 6.5e-6
    var subscription = 2.1e-6
    var presence = 3.6e-6
    /// Bytes of Redis for a channel that a node subscribes to.
    var subscriptionBytes = 209.0
    /// Bytes of a node for a revocation.
    var revocationBytes = 40.0
    /// Bytes of a record of the topic, as a broker sends it.
    var recordBytes = 300.0
}
