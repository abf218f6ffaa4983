// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// When sessions are asked about, and what is done with what is heard or not heard: keys of `validation`.
package struct ValidationConfiguration: Sendable {
    /// What happens to a session of which the authority could say nothing for too long.
    package enum Unavailable: String, CaseIterable, Sendable {
        case keep, close
    }

    /// When a connection waits for the authority before it is let in.
    package enum OnConnect: String, CaseIterable, Sendable {
        case never, degraded, always
    }

    package var unit = ValidationUnit.session
    /// Each session is asked about once in this time while push is healthy, and in the shorter one while it is not.
    package var interval: Duration = .seconds(600)
    package var intervalDegraded: Duration = .seconds(60)
    package var batchMax = 500
    /// How long a batch waits to become full.
    package var batchWait: Duration = .milliseconds(250)
    package var callsPerSecond: Double = 10
    package var concurrencyMax = 4
    package var stalenessMax: Duration = .seconds(3_600)
    package var onUnavailable: Unavailable = .keep
    /// Failed calls in a row after which only one call at a time is tried.
    package var failuresMax = 5
    /// Least and longest wait after a failed call.
    package var backoff: Duration = .milliseconds(500)
    package var backoffMax: Duration = .seconds(30)
    /// The share of a minute's answers that may be "dead", and the answers from which on it counts.
    package var deadShareMax = 0.2
    package var deadSampleMin = 500
    /// Whether events are expected to tell of every dead session, so that finding one by asking is an alarm.
    package var expectsPush = false
    /// How long an event may be behind what the authority says before it counts as missed.
    package var missedPushGrace: Duration = .seconds(5)
    /// Sessions without an open connection that are remembered, so that their next one inherits their place.
    package var lingeringMax = 65_536
    /// Whether sessions whose tokens live without bound, or longer than this, are asked about at once.
    package var unboundedLifetime: Duration?

    package var onConnect = OnConnect.degraded
    /// How long a connection waits for the authority, and how many may.
    package var onConnectTimeout: Duration = .seconds(3)
    package var onConnectWaitingMax = 10_000

    package init() {}
}
