// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Finds the place of a session in the roster by the hash of its key: open addressing over nothing but place numbers,
/// 6 to 12 bytes a session.
struct SessionIndex {
    private static let free: Int32 = -1

    private var places: [Int32] = Array(repeating: Self.free, count: 64)
    private var count = 0

    var bytes: Int { self.places.capacity * 4 }

    /// - Parameter isWanted: Whether the session at a place is the one that is looked for.
    func find(_ hash: UInt32, where isWanted: (Int32) -> Bool) -> Int32? {
        var index = self.home(hash)
        while self.places[index] != Self.free {
            if isWanted(self.places[index]) { return self.places[index] }
            index = (index + 1) & (self.places.count - 1)
        }
        return nil
    }

    /// - Parameter hashOf: The hash of the session at a place.
    mutating func insert(_ place: Int32, _ hash: UInt32, hashOf: (Int32) -> UInt32) {
        if (self.count + 1) * 3 > self.places.count * 2 {
            let old = self.places
            self.places = Array(repeating: Self.free, count: old.count * 2)
            for place in old where place != Self.free { self.put(place, hashOf(place)) }
        }
        self.put(place, hash)
        self.count += 1
    }

    mutating func remove(_ place: Int32, _ hash: UInt32, hashOf: (Int32) -> UInt32) {
        let mask = self.places.count - 1
        var hole = self.home(hash)
        while self.places[hole] != place {
            guard self.places[hole] != Self.free else { return }
            hole = (hole + 1) & mask
        }
        // Those that follow move up where that brings them no nearer than their home.
        var index = hole
        while true {
            index = (index + 1) & mask
            let candidate = self.places[index]
            guard candidate != Self.free else { break }
            let distance = (index - self.home(hashOf(candidate))) & mask
            if distance >= (index - hole) & mask {
                self.places[hole] = candidate
                hole = index
            }
        }
        self.places[hole] = Self.free
        self.count -= 1
    }

    private mutating func put(_ place: Int32, _ hash: UInt32) {
        var index = self.home(hash)
        while self.places[index] != Self.free { index = (index + 1) & (self.places.count - 1) }
        self.places[index] = place
    }

    private func home(_ hash: UInt32) -> Int { Int(hash) & (self.places.count - 1) }
}
