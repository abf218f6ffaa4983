// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Publications of one epoch without a hole between them, the latest last.
struct StreamTail {
    private var publications: ArraySlice<Publication> = []
    private var bytes = 0

    var isEmpty: Bool { self.publications.isEmpty }

    mutating func clear() {
        self.publications = []
        self.bytes = 0
    }

    mutating func append(_ publication: Publication) {
        self.publications.append(publication)
        self.bytes += publication.data.count
    }

    mutating func append(contentsOf publications: some Collection<Publication>) {
        for publication in publications { self.append(publication) }
    }

    /// Puts what precedes it in front of it, as far as it leads up to it without a hole.
    ///
    /// - Parameter end: The offset of the last publication here, also where there is none.
    mutating func prepend(_ older: ArraySlice<Publication>, endingAt end: UInt64) {
        let before = end - min(end, UInt64(self.publications.count))
        let missing = older.prefix { $0.offset ?? 0 <= before }
        guard let last = missing.last, last.offset == before else { return }
        self.publications = missing + self.publications
        self.bytes += missing.reduce(0) { $0 + $1.data.count }
    }

    /// The last publications, this many; nil where there are not as many.
    func last(_ count: Int) -> [Publication]? {
        count <= self.publications.count ? Array(self.publications.suffix(count)) : nil
    }

    /// Lets go of the oldest until the rest is within these bounds.
    mutating func trim(countMax: Int, bytesMax: Int) {
        while let first = self.publications.first, self.publications.count > countMax || self.bytes > bytesMax {
            self.bytes -= first.data.count
            self.publications.removeFirst()
        }
    }
}
