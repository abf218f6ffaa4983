// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletHub
import MartletProtocol

/// What a feed needs of the stream that it reads, so that its decisions can be tried against a scripted one.
protocol RevocationLog: Sendable {
    /// How often all that is to be subscribed was subscribed anew; nil while it is not.
    var subscriptions: Int? { get }

    func read(after id: StreamID) async throws(BusError) -> RedisRevocationLog.Page
}

extension RedisRevocationLog: RevocationLog {}
