// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy

/// How clients behave: how long they stay, and when they come back.
struct ClientModel: Sendable {
    /// Seconds that one stays connected, on average.
    var lifetime = 1_800.0
    /// The share of event streams.
    var eventStreamShare = 0.3
    /// Seconds of an SDK's shortest and longest delay (`minReconnectDelay`, `maxReconnectDelay` of centrifuge-js).
    var delayMin = 0.5
    var delayMax = 20.0
    /// What a node tells an event stream (`events.retry`).
    var eventRetry = Duration.seconds(3)

    /// Seconds until an SDK tries for the `attempt`th time in a row, by the full jitter of centrifuge-js: the shortest
    /// delay, and a random part of what doubles with each attempt.
    func sdkDelay(attempt: UInt8, random: Double) -> Double {
        let spread = min(self.delayMax, self.delayMin * Double(1 << min(Int(attempt), 20)))
        return min(self.delayMax, self.delayMin + spread * random)
    }

    /// Seconds until a client comes back that was sent away.
    func delayAfterClose(_ kind: ClientKind, random: Double) -> Double {
        switch kind {
        case .sdk: self.sdkDelay(attempt: 0, random: random)
        case .eventStream: Double(ReconnectAdvice.milliseconds(self.eventRetry, random: random)) / 1_000
        }
    }

    /// Seconds until one tries again whom nobody told anything: the node went without a word.
    func delayAfterFailure(_ kind: ClientKind, attempt: UInt8, random: Double) -> Double {
        switch kind {
        case .sdk: self.sdkDelay(attempt: attempt, random: random)
        // It was told at the beginning, each something else.
        case .eventStream: self.delayAfterClose(kind, random: random)
        }
    }

    /// Seconds until one tries again who found no node in rotation: a balancer answers an event stream itself
    /// (`Deploy/haproxy`).
    func delayWithoutNode(_ kind: ClientKind, attempt: UInt8, random: Double) -> Double {
        switch kind {
        case .sdk: self.sdkDelay(attempt: attempt, random: random)
        case .eventStream: 3 + 10 * random
        }
    }
}
