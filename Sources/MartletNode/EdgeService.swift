// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletEdge
import MartletHub
import MartletInstruments
import MartletPolicy
import MartletReactor
import ServiceLifecycle

/// The reactors and what runs on them: listens, and at the end drains.
struct EdgeService: Service {
    let configuration: NodeConfiguration
    let reactors: [Reactor]
    let mailboxes: [Mailbox<ShardMessage>]
    let hub: Hub
    let hubMetrics: HubMetrics
    let bus: any Bus
    let shared: EdgeShared
    let life: NodeLife
    let drain: NodeDrain
    let logger: Logger

    /// How often it looks at what is left.
    private static let pollInterval: Duration = .milliseconds(50)
    /// Time for the last goodbyes to leave.
    private static let farewell: Duration = .seconds(3)
    private static let farewellHurried: Duration = .milliseconds(200)

    func run() async throws {
        // Confined to their reactors' threads from the start of these on; kept alive here.
        var edges: [EdgeShard] = []
        var shards: [Shard] = []
        for (index, reactor) in self.reactors.enumerated() {
            let shard = Shard(
                index: index, reactor: reactor, mailbox: self.mailboxes[index], bus: self.bus,
                limits: self.configuration.limits, metrics: self.hubMetrics, streamLimits: self.configuration.streams)
            let edge = EdgeShard(shared: self.shared, shard: shard)
            shard.edge = edge
            reactor.delegate = edge
            edges.append(edge)
            shards.append(shard)
        }
        for reactor in self.reactors { try reactor.start() }
        self.logger.info("listening for clients", metadata: ["address": "\(self.configuration.listen.publicAddress)"])
        try? await gracefulShutdown()
        await self.drain.finish()
        await self.sayFarewell()
        for reactor in self.reactors { reactor.stop() }
        for shard in shards { shard.stop() }
        self.life.stop()
        withExtendedLifetime(edges) {}
    }

    /// Waits until the last connection is gone, or its time is up.
    private func sayFarewell() async {
        let time = self.life.isHurried ? Self.farewellHurried : Self.farewell
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline, self.reactors.contains(where: { $0.shared.openConnections.current > 0 }) {
            // Uncancelled by intent: who is cancelled still says goodbye.
            if (try? await Task.sleep(for: Self.pollInterval)) == nil { return }
        }
    }
}
