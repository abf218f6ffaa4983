// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol

/// What an event stream must remember until all of its channels are subscribed.
struct EventsBeginning {
    /// In the order of the request, each once.
    let channels: [String]
    /// Where the client was in each, nil where it does not say.
    let since: [StreamPosition?]
    /// Whether the client had a stream before: what cannot be recovered is a gap then.
    let isReturn: Bool

    init(_ request: EdgeShard.EventsRequest) {
        self.channels = request.channels
        let positions = request.lastID.flatMap { EventID.decode($0, of: request.channels) }
        self.since = positions ?? request.channels.map { _ in nil }
        self.isReturn = request.lastID != nil
    }
}
