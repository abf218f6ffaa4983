// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletNode

@Suite("How many connections a node takes")
struct ConnectionCapacityTests {
    @Test(
        arguments: [
            (nil, 4_096, 3_840), (3_840, 4_096, 3_840), (3_841, 4_096, 3_840), (50_000, 4_096, 3_840),
            (50_000, 1_048_576, 50_000), (nil, 100, 1), (7, 0, 1), (1, 4_096, 1), (.max, .max, .max - 256),
        ] as [(Int?, Int, Int)])
    func isWhatDescriptorsAllow(configured: Int?, descriptors: Int, taken: Int) throws {
        let capacity = ConnectionCapacity(configured: configured, descriptors: descriptors)
        #expect(capacity.connectionsMax == taken)
        guard let configured, configured > taken else { return #expect(capacity.concern == nil) }
        let concern = try #require(capacity.concern)
        for figure in [configured, descriptors, taken] { #expect(concern.contains("\(figure)")) }
        #expect(concern.contains("LimitNOFILE") && !concern.contains("\n"))
    }
}
