// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// What a connection asked the back-end, and what is to be done with the answer.
enum ProxyQuestion {
    /// The connect itself is kept in `EdgeExtras.connect`.
    case connect
    case refresh
    case subscribe(CentrifugeCommand.SubscribeRequest, id: UInt32)
    case publish(channel: String, PublishedPayload, id: UInt32)
    case rpc(id: UInt32)
    case subRefresh(channel: String)

    /// The channel that is subscribed to with a good answer.
    var subscribes: String? {
        guard case .subscribe(let request, _) = self else { return nil }
        return request.channel
    }
}
