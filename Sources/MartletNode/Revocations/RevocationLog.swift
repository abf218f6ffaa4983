// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletHub
import MartletProtocol

/// What a feed needs of the stream that it reads, so that its decisions can be tried against a scripted one.
protocol RevocationLog: Sendable {
    /// How often all that is to be subscribed was subscribed anew; nil while it is not.
    var subscriptions: Int? { get }

    /// Whether this node is the one to write again what was lost, until it gives that back.
    func claimRepair() async throws(BusError) -> Bool

    func releaseRepair() async throws(BusError)

    /// Says that entries before this one may be gone.
    func raiseFloor(to id: StreamID) async throws(BusError)

    func append(_ message: [UInt8]) async throws(BusError) -> StreamID

    func read(after id: StreamID) async throws(BusError) -> RedisRevocationLog.Page
}

extension RedisRevocationLog: RevocationLog {}
