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
    let logger: Logger

    /// How often the drain looks at what is left.
    private static let pollInterval: Duration = .milliseconds(50)
    /// Time for the last goodbyes to leave.
    private static let farewell: Duration = .seconds(3)

    func run() async throws {
        // Confined to their reactors' threads from the start of these on; kept alive here.
        var edges: [EdgeShard] = []
        var shards: [Shard] = []
        for (index, reactor) in self.reactors.enumerated() {
            let shard = Shard(
                index: index, reactor: reactor, mailbox: self.mailboxes[index], bus: self.bus,
                limits: self.configuration.limits, metrics: self.hubMetrics)
            let edge = EdgeShard(shared: self.shared, shard: shard)
            shard.edge = edge
            reactor.delegate = edge
            edges.append(edge)
            shards.append(shard)
        }
        for reactor in self.reactors { try reactor.start() }
        self.logger.info("listening for clients", metadata: ["address": "\(self.configuration.listen.publicAddress)"])
        try? await gracefulShutdown()
        await self.drain()
        for reactor in self.reactors { reactor.stop() }
        for shard in shards { shard.stop() }
        self.life.stop()
        withExtendedLifetime(edges) {}
    }

    private func drain() async {
        self.life.drain()
        self.logger.info("draining", metadata: ["connections": "\(self.shared.metrics.open.current)"])
        // The balancer notices first; until then what it sends is served.
        await self.wait(self.configuration.drain.delay) { false }
        self.shared.setAdmission(.draining)
        let window = self.life.isHurried ? Duration.zero : self.configuration.drain.window
        self.hub.tellAll(.drain(window: window))
        await self.wait(window) { self.shared.metrics.open.current == 0 }
        if self.shared.metrics.open.current > 0 { self.hub.tellAll(.drain(window: .zero)) }
        let isEmpty = { @Sendable in self.reactors.allSatisfy { $0.shared.openConnections.current == 0 } }
        await self.wait(self.life.isHurried ? .milliseconds(200) : Self.farewell, isEmpty)
        self.logger.info("drained", metadata: ["connections": "\(self.shared.metrics.open.current)"])
    }

    /// Waits for the time, the condition or the second signal, whichever comes first.
    private func wait(_ time: Duration, _ isDone: @Sendable () -> Bool) async {
        let deadline = ContinuousClock.now + time
        let wasHurried = self.life.isHurried
        while ContinuousClock.now < deadline, !isDone() {
            if self.life.isHurried && !wasHurried { return }
            // Uncancelled by intent: a cancelled drain still says goodbye, it only hurries.
            if (try? await Task.sleep(for: Self.pollInterval)) == nil { return self.life.hurry() }
        }
    }
}
