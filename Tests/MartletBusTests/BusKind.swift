// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletHub
import MartletInstruments
import TestSupport

/// Both buses, which behave alike.
enum BusKind: CaseIterable {
    case memory, redis

    /// Runs a test against a bus of the node `node-1`.
    func withBus(_ body: (any Bus, RecordingSink) async throws -> Void) async throws {
        switch self {
        case .memory:
            let (bus, sink) = (MemoryBus(nodeID: "node-1", metrics: MetricsRegistry()), RecordingSink())
            bus.attach(sink)
            try await body(bus, sink)
        case .redis:
            let server = try await RedisServer()
            let rig = BusRig(try BusRig.configuration(server))
            guard await eventually({ rig.isHealthy }) else { throw TestSupportError("the bus is not healthy") }
            try await body(rig.bus, rig.sink)
            try await rig.stop()
        }
    }
}
