// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Which of many things that are numbered from zero was used least lately: a list that runs through arrays indexed by
/// those numbers, so that moving one to its end costs no allocation.
struct RecencyList: Sendable {
    private var newer: [Int32] = []
    private var older: [Int32] = []
    private(set) var oldest: Int32 = -1
    private var newest: Int32 = -1

    /// Adds a number, or moves it to the end.
    mutating func touch(_ number: Int32) {
        guard number != self.newest else { return }
        while self.newer.count <= Int(number) {
            self.newer.append(-1)
            self.older.append(-1)
        }
        self.unlink(number)
        self.older[Int(number)] = self.newest
        if self.newest >= 0 { self.newer[Int(self.newest)] = number } else { self.oldest = number }
        self.newest = number
    }

    mutating func remove(_ number: Int32) {
        guard Int(number) < self.newer.count else { return }
        self.unlink(number)
    }

    /// Does nothing to a number that is not in the list.
    private mutating func unlink(_ number: Int32) {
        let (newer, older) = (self.newer[Int(number)], self.older[Int(number)])
        if newer >= 0 { self.older[Int(newer)] = older } else if self.newest == number { self.newest = older }
        if older >= 0 { self.newer[Int(older)] = newer } else if self.oldest == number { self.oldest = newer }
        self.newer[Int(number)] = -1
        self.older[Int(number)] = -1
    }
}
