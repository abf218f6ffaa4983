// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("A channel's stream, against all that can happen to it")
struct StreamModelTests {
    private static let all: StreamModel.Faults = [
        .losses, .duplicates, .failures, .trimming, .rollBacks, .newEpochs,
    ]

    @Test(arguments: [[], [.losses, .duplicates], [.losses, .trimming], [.newEpochs, .failures], [.rollBacks], all])
    func eachGetsEachOnceOrIsTold(faults: StreamModel.Faults) {
        var (recoveries, lost) = (0, 0)
        for seed in UInt64(0)..<80 {
            var model = StreamModel(seed: seed, faults: faults)
            model.run(steps: 600)
            #expect(model.errors.isEmpty, "seed \(seed)")
            if !model.errors.isEmpty { return }
            recoveries += model.recoveries
            lost += model.positionsLost
        }
        #expect(recoveries > 80)
        // Where all is kept, and can be read, nothing is lost.
        #expect((lost > 0) != faults.isDisjoint(with: [.failures, .trimming, .rollBacks, .newEpochs]))
    }
}
