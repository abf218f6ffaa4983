// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// A part of a channel's stream, and where the stream stands.
package struct HistoryPage: Equatable, Sendable {
    /// In the order asked for. None where the position asked for belongs to another epoch than `top`.
    package var publications: [Publication]
    package var top: StreamPosition

    package init(publications: [Publication] = [], top: StreamPosition) {
        self.publications = publications
        self.top = top
    }

    /// The publications at its end that follow one another in the top's epoch, of a page that was asked oldest first.
    var run: ArraySlice<Publication> {
        var first = self.publications.endIndex
        while first > self.publications.startIndex {
            let candidate = self.publications[first - 1]
            guard let offset = candidate.offset, candidate.epoch == self.top.epoch else { break }
            if first < self.publications.endIndex, self.publications[first].offset != offset &+ 1 { break }
            first -= 1
        }
        return self.publications[first...]
    }
}
