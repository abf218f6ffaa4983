// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// In which order a draining node comes to its places: each once, and those of any neighbourhood spread evenly over
/// the whole drain.
///
/// Neighbours often came together, by the same way, and come back alike: after half a second the ones, after three the
/// others. In the order of places their returns would be waves, though the drain itself is even. Steps of a Fibonacci
/// number, modulo the next one, come to every place and leave no part of them behind; chance would make heaps of its own.
package struct DrainOrder: Sendable {
    private let places: Int
    /// Two Fibonacci numbers, one after the other; the greater is not less than the places.
    private let step: Int
    private let modulus: Int
    private var place = 0
    private var left: Int

    package init(places: Int) {
        var (step, modulus) = (1, 1)
        while modulus < min(places, Int(Int32.max)) { (step, modulus) = (modulus, step + modulus) }
        self.places = places
        self.step = step
        self.modulus = modulus
        self.left = modulus
    }

    /// The next place; nil when each has been given.
    package mutating func next() -> Int? {
        while self.left > 0 {
            let place = self.place
            self.left -= 1
            self.place += self.step
            if self.place >= self.modulus { self.place -= self.modulus }
            if place < self.places { return place }
        }
        return nil
    }
}
