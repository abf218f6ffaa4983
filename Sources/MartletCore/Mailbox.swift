// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How other threads reach a shard: two lanes, each first-in-first-out, and one wake-up for a batch.
///
/// *Control* (close, revoke, drain) is drained before *data* (publications and acknowledgements, which share a lane
/// because a subscriber must see its acknowledgement before what is published after it). Control is never refused;
/// the data lane is bounded, and what it refuses its producer must count and tell.
package final class Mailbox<Message: Sendable>: Sendable {
    private struct Lanes {
        var control: [Message] = []
        var data: [Message] = []
        var awake = false
        /// Whether the data lane refused a message since it was last drained.
        var hasRefused = false
        var isClosed = false
    }

    private let lanes = Mutex(Lanes())
    private let dataMax: Int
    private let wake: @Sendable () -> Void

    /// - Parameters:
    ///   - dataMax: Messages that may wait in the data lane.
    ///   - wake: Called, on the producer's thread and outside the lock, when the consumer must be woken.
    package init(dataMax: Int, wake: @escaping @Sendable () -> Void) {
        self.dataMax = dataMax
        self.wake = wake
    }

    /// False once the mailbox is closed.
    @discardableResult
    package func post(control message: Message) -> Bool {
        let (taken, mustWake) = self.lanes.withLock { lanes in
            guard !lanes.isClosed else { return (false, false) }
            lanes.control.append(message)
            defer { lanes.awake = true }
            return (true, !lanes.awake)
        }
        if mustWake { self.wake() }
        return taken
    }

    /// False when the lane is full, or closed, and the message was not taken.
    package func post(data message: Message) -> Bool {
        let (taken, mustWake) = self.lanes.withLock { lanes in
            guard lanes.data.count < self.dataMax, !lanes.isClosed else {
                lanes.hasRefused = true
                return (false, false)
            }
            lanes.data.append(message)
            defer { lanes.awake = true }
            return (true, !lanes.awake)
        }
        if mustWake { self.wake() }
        return taken
    }

    /// For what belongs among the data but must not be lost: where that lane is full, it takes the other.
    package func post(vital message: Message) {
        let mustWake = self.lanes.withLock { lanes in
            guard !lanes.isClosed else { return false }
            if lanes.data.count < self.dataMax { lanes.data.append(message) } else { lanes.control.append(message) }
            defer { lanes.awake = true }
            return !lanes.awake
        }
        if mustWake { self.wake() }
    }

    /// Messages that wait in the control lane, for producers who can wait themselves.
    package var controlCount: Int { self.lanes.withLock { $0.control.count } }

    /// Hands over what waits. The arrays given are emptied, and their storage is used for the next batch.
    ///
    /// True where the data lane has refused messages since the last time: they would stand behind those of `data`.
    @discardableResult
    package func drain(control: inout [Message], data: inout [Message]) -> Bool {
        control.removeAll(keepingCapacity: true)
        data.removeAll(keepingCapacity: true)
        return self.lanes.withLock { lanes in
            swap(&lanes.control, &control)
            swap(&lanes.data, &data)
            lanes.awake = false
            defer { lanes.hasRefused = false }
            return lanes.hasRefused
        }
    }

    /// Hands over the control lane alone, as a long sweep does between its slices.
    package func drain(control: inout [Message]) {
        control.removeAll(keepingCapacity: true)
        self.lanes.withLock { swap(&$0.control, &control) }
    }

    /// Takes nothing more; what waits can still be drained.
    package func close() { self.lanes.withLock { $0.isClosed = true } }
}
