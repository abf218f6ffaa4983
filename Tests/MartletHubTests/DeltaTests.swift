// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import Testing

@testable import MartletHub

/// Who is given patches, and what is kept for that.
@Suite("Bases of patches") struct DeltaTests {
    private static func options(_ flags: SubscriptionFlags) -> SubscribeOptions { SubscribeOptions(flags: flags) }

    private func base(_ rig: ShardRig) -> DeltaBase? {
        rig.shard.channels.id(of: "a").flatMap { rig.shard.channels[$0].delta }
    }

    private func isBased(_ rig: ShardRig, _ slot: Int32) -> Bool {
        rig.shard.flags(of: slot, in: "a")?.contains(.based) ?? false
    }

    private static func publication(_ text: String) -> Publication { Publication(channel: "a", data: Array(text.utf8)) }

    @Test func areKeptAsLongAsSomebodyTakesPatches() throws {
        let rig = try ShardRig()
        rig.register(0..<3)
        _ = rig.shard.subscribe(0, to: "a", Self.options([]))
        rig.acknowledge("a")
        rig.publish(Self.publication("1"))
        #expect(self.base(rig) == nil)
        _ = rig.shard.subscribe(1, to: "a", Self.options([.delta]))
        #expect(self.base(rig)?.latest == nil && !self.isBased(rig, 1))
        rig.publish(Self.publication("2"))
        #expect(self.base(rig)?.latest?.data == Array("2".utf8) && self.isBased(rig, 1) && !self.isBased(rig, 0))
        // Who comes later is given the next in full first.
        _ = rig.shard.subscribe(2, to: "a", Self.options([.delta]))
        #expect(!self.isBased(rig, 2) && self.base(rig)?.unbased == 1)
        #expect(rig.shard.unsubscribe(1, from: "a"))
        #expect(self.base(rig)?.subscribers == 1 && self.base(rig)?.unbased == 1)
        rig.publish(Self.publication("3"))
        #expect(self.isBased(rig, 2) && self.base(rig)?.unbased == 0)
        rig.shard.unregister(2)
        #expect(self.base(rig) == nil)
        rig.publish(Self.publication("4"))
        #expect(self.base(rig) == nil && rig.metrics.deliveries.total == 1 + 2 + 2 + 1)
    }

    /// All that a delivery needs to know stays within eight bytes.
    @Test func costNothingWhereNobodyAsks() { #expect(MemoryLayout<Subscriber>.stride == 8) }
}
