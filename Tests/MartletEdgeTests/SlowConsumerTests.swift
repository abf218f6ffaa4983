// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MartletCore
import MartletInstruments
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Channels that drop messages to slow connections") struct SlowConsumerTests {
        @Test(arguments: [NamespaceOptions.SlowConsumerPolicy.dropOldest, .latest])
        func whoDoesNotReadLosesMessagesAndStays(policy: NamespaceOptions.SlowConsumerPolicy) throws {
            let change: (inout EdgeRig.Options) -> Void = { options in
                options.edge.limits.pendingBytesMax = 65_536
                options.edge.namespaces = NamespaceTable([
                    NamespaceOptions(name: "feed", subscribe: .authenticated, slowConsumer: policy)
                ])
            }
            try EdgeRig.run(change) { rig in
                let stream = try EventClient(rig, "channel=feed:a&access_token=\(rig.token("ann"))")
                try stream.skip(to: ":subscribed")
                let filling = String(repeating: "x", count: 10_000)
                var count = 0
                while rig.shared.metrics.dropped.total < 20, count < 10_000 {
                    rig.publish("feed:a", #""\#(count) \#(filling)""#)
                    count += 1
                    if count % 16 == 0 { usleep(1_000) }
                }
                #expect(rig.shared.metrics.dropped.total >= 20)
                rig.publish("feed:a", #""last""#)
                var (events, gaps) = (0, 0)
                while let lines = try stream.event() {
                    if lines.contains("event: gap") { gaps += 1 } else { events += 1 }
                    if lines.contains(where: { $0.contains(#""last""#) }) { break }
                }
                #expect(gaps > 0 && events == count + 1 - rig.shared.metrics.dropped.total)
                #expect(rig.shared.metrics.slow.total == 0 && rig.open == 1)
            }
        }
    }
}
