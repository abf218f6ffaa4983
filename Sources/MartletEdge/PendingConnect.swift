// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// A connect that is not answered yet.
struct PendingConnect {
    var request: CentrifugeCommand.ConnectRequest
    var id: UInt32
    /// JSON for the client, or nil.
    var data: [UInt8]?
    /// Subscriptions that were made for it, of all that are: it is answered when there are as many.
    var subscriptions: [String: CentrifugeReply.SubscribeResult] = [:]
    var expected = 0
}
