// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What clients counted, of one loop or of many together.
struct ClientTally: Codable, Sendable {
    var opened = 0
    var open = 0
    /// Connects that did not come to a subscription, by what the server or the system said.
    var refused: [String: Int] = [:]
    /// Ends that the run did not ask for, by code and reason.
    var closed: [String: Int] = [:]
    /// Messages, numbered or not.
    var messages = 0
    var bytes = 0
    var pings = 0
    /// Told losses: `gap` events and notifications.
    var gaps = 0
    /// From a message's sending to its reading.
    var latency = LatencyHistogram()
    /// From the begin of a connect to the answer to its subscription.
    var connectTime = LatencyHistogram()

    mutating func merge(_ other: ClientTally) {
        self.opened += other.opened
        self.open += other.open
        self.refused.merge(other.refused, uniquingKeysWith: +)
        self.closed.merge(other.closed, uniquingKeysWith: +)
        self.messages += other.messages
        self.bytes += other.bytes
        self.pings += other.pings
        self.gaps += other.gaps
        self.latency.merge(other.latency)
        self.connectTime.merge(other.connectTime)
    }
}
