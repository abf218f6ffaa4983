// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The settings of one loop.
package struct ReactorConfiguration: Sendable {
    /// The loop's number: in its connections' ids, and which of a listener's sockets is its own.
    package var shard: UInt8 = 0
    /// What it accepts connections from; a connection's `listenerIndex` counts in this order.
    package var listeners: [Listener] = []
    /// Connections that the table has room for. A row costs address space until it is first used, then 48 bytes.
    package var slotCapacity = 1_048_576
    /// Bytes a delegate may leave unconsumed.
    package var inputBytesMax = 65_536 + 64
    /// Bytes that the kernel refused and that wait for one connection before it `overflowed`.
    package var pendingBytesMax = 1_048_576
    /// Bytes that wait for all connections of all loops together before the worst `overflowed`.
    package var pendingBytesTotalMax = 268_435_456
    /// Connections accepted in one turn from one listener, and events and sends handled in it.
    package var acceptsPerTurn = 64
    package var eventsPerTurn = 512
    package var sendsPerSlice = 512
    /// Time for what is queued to leave after `finish`, and then for the peer to end its side.
    package var flushTimeout: Duration = .seconds(10)
    package var lingerTimeout: Duration = .seconds(2)
    /// For outbound connections; inbound ones have their listener's.
    package var socketOptions = SocketOptions()

    package init(shard: UInt8 = 0, listeners: [Listener] = []) {
        self.shard = shard
        self.listeners = listeners
    }
}
