// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import MartletSessions

/// A topic that carries events which end sessions, and how its records are read.
struct InvalidationTopic: Sendable {
    enum Reader: Sendable {
        case martlet
        case cloudEvents
        case tokens(EventTokenVerifier)
        case table(SessionTable)
    }

    let name: String
    let reader: Reader
    /// Where records that cannot be read are copied to.
    let deadLetter: String?

    init(name: String, reader: Reader = .martlet, deadLetter: String? = nil) {
        self.name = name
        self.reader = reader
        self.deadLetter = deadLetter
    }
}
