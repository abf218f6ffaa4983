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

    package func post(control message: Message) {
        let mustWake = self.lanes.withLock { lanes in
            lanes.control.append(message)
            defer { lanes.awake = true }
            return !lanes.awake
        }
        if mustWake { self.wake() }
    }

    /// False when the lane is full and the message was not taken.
    package func post(data message: Message) -> Bool {
        let (taken, mustWake) = self.lanes.withLock { lanes in
            guard lanes.data.count < self.dataMax else { return (false, false) }
            lanes.data.append(message)
            defer { lanes.awake = true }
            return (true, !lanes.awake)
        }
        if mustWake { self.wake() }
        return taken
    }

    /// Messages that wait in the control lane, for producers who can wait themselves.
    package var controlCount: Int { self.lanes.withLock { $0.control.count } }

    /// Hands over what waits. The arrays given are emptied, and their storage is used for the next batch.
    package func drain(control: inout [Message], data: inout [Message]) {
        control.removeAll(keepingCapacity: true)
        data.removeAll(keepingCapacity: true)
        self.lanes.withLock { lanes in
            swap(&lanes.control, &control)
            swap(&lanes.data, &data)
            lanes.awake = false
        }
    }

    /// Hands over the control lane alone, as a long sweep does between its slices.
    package func drain(control: inout [Message]) {
        control.removeAll(keepingCapacity: true)
        self.lanes.withLock { swap(&$0.control, &control) }
    }
}
