// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletSessions

@Suite struct SessionIndexTests {
    @Test(arguments: 1..<5 as Range<UInt64>)
    func agreesWithADictionary(_ seed: UInt64) {
        var random = Xorshift(state: seed)
        var index = SessionIndex()
        // Few hashes for many places, so that rows grow and run into one another.
        let hashes = (0..<500).map { _ in UInt32(random.next() % 97) &* 0x0100_0193 }
        var present: Set<Int32> = []
        for _ in 0..<20_000 {
            let place = Int32(random.next() % UInt64(hashes.count))
            let hash = hashes[Int(place)]
            if present.contains(place) {
                index.remove(place, hash) { hashes[Int($0)] }
                present.remove(place)
            } else {
                index.insert(place, hash) { hashes[Int($0)] }
                present.insert(place)
            }
            let other = Int32(random.next() % UInt64(hashes.count))
            let found = index.find(hashes[Int(other)]) { $0 == other }
            #expect((found != nil) == present.contains(other))
        }
    }
}
