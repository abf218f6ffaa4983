// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Hands control messages to a runtime that is still being made when the hub already exists.
final class ControlReceiver: Sendable {
    private struct Target: Sendable {
        weak var runtime: NodeRuntime?
    }

    private let target = Mutex(Target())

    func attach(_ runtime: NodeRuntime) { self.target.withLock { $0.runtime = runtime } }

    func receive(_ message: [UInt8]) { self.target.withLock { $0.runtime }?.received(message) }
}
