// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletReactor

/// What is asked of the API.
struct APIPlan: Sendable {
    /// The node's internal listener.
    var address: SocketAddress
    var key: String?
    /// Keep-alive connections, with several requests under way each; a channel's messages all use the same one.
    var connections = 4
    var channels: Int
    var channelPrefix: String
    /// Messages a second, in all, one channel after the other.
    var publishRate: Double
    var payloadBytes: Int
    /// Users to revoke, and how many a second.
    var revocations: Int
    var revokeRate: Double
}
