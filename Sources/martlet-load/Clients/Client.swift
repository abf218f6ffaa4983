// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire

/// One client, found by its number: a small record, because there are as many as descriptors allow.
struct Client: Sendable {
    enum Stage: UInt8, Sendable {
        case waiting
        case connecting
        /// The answer to its request is awaited.
        case answering
        /// The answer to its commands is awaited.
        case subscribing
        case open
        /// It said goodbye, or the server did.
        case closing
        case closed
    }

    var slot: Int32 = -1
    var stage = Stage.waiting
    var decoder = WebSocketDecoder(.client)
    /// When its connect began, on the reactor's clock.
    var beganAt: Int64 = 0
    /// Why it ended, as an index into the loop's list; -1 where nothing said why.
    var reason: Int32 = -1
    /// When the server said so, in nanoseconds since 1970: the socket itself may go later.
    var endedAt: Int64 = 0
}
