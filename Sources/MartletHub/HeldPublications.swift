// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// What came for a connection before it may be given anything.
struct HeldPublications {
    private(set) var publications: [Publication] = []
    private var bytes = 0

    /// False where more came than may be kept.
    mutating func append(_ publication: Publication, bytesMax: Int) -> Bool {
        // Beside its payload, a publication has a channel, a sender and tags.
        self.bytes += publication.data.count + 512
        guard self.bytes <= bytesMax else { return false }
        self.publications.append(publication)
        return true
    }
}
