// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletEdge
import Synchronization

/// Hands control messages to a relay that is made after the hub it needs.
final class ControlInbox: Sendable {
    private struct Target: Sendable {
        weak var relay: EmulationRelay?
    }

    private let target = Mutex(Target())

    func attach(_ relay: EmulationRelay) { self.target.withLock { $0.relay = relay } }

    func receive(_ message: [UInt8]) { _ = self.target.withLock { $0.relay }?.received(message) }
}
