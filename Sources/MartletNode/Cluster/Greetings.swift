// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// How a node answers those who have just come: each alone while they are few. Where many come at once, as all do after
/// an outage of the bus, one announcement answers them together, or there would be as many messages as pairs of nodes.
struct Greetings: Sendable {
    enum Answer: Equatable, Sendable {
        case alone
        /// All who came, in a moment, and say then that it is done.
        case together
        /// By what will be said in a moment.
        case none
    }

    /// Those who are answered alone in one interval.
    static let aloneMax = 8
    /// Of time, in nanoseconds.
    static let interval: Int64 = 2_000_000_000
    /// For how long more of them are waited for before one answer is given to all.
    static let gatherTime: Duration = .milliseconds(100)

    private var beganAt: Int64?
    private var alone = 0
    private var isGathering = false

    mutating func came(at now: Int64) -> Answer {
        if self.isGathering { return .none }
        if let beganAt, now - beganAt < Self.interval {
            guard self.alone < Self.aloneMax else {
                self.isGathering = true
                return .together
            }
        } else {
            (self.beganAt, self.alone) = (now, 0)
        }
        self.alone += 1
        return .alone
    }

    /// To be called before the answer to all is given, so that who comes later is not forgotten.
    mutating func gathered() { self.isGathering = false }
}
