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
}
