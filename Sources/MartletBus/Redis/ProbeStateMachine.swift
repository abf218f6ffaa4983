// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Whether what is published comes back: a connection can stand, and answer pings, and still bring nothing.
///
/// A numbered message is published through the one connection and must come through the other. If Redis confirmed it
/// and it does not come in time, the subscriber connection is to be replaced. One that Redis did not confirm says
/// nothing about the subscriber.
package struct ProbeStateMachine: Sendable {
    package enum TickAction: Equatable {
        case publish(Int)
        case replace
        case none
    }

    private struct Probe: Sendable {
        var number: Int
        var sentAt: Int64
        var isConfirmed = false
    }

    private let interval: Int64
    private let timeout: Int64
    private var number = 0
    private var nextAt: Int64 = 0
    private var probe: Probe?

    /// - Parameters: In nanoseconds, as all times here.
    ///   - interval: From one probe to the next.
    ///   - timeout: From the sending of a probe to its return.
    package init(interval: Int64, timeout: Int64) {
        self.interval = interval
        self.timeout = timeout
    }

    /// - Parameter isReady: Whether both connections stand and all is subscribed: only then is there anything to probe.
    package mutating func ticked(now: Int64, isReady: Bool) -> TickAction {
        guard isReady else {
            self.probe = nil
            self.nextAt = now
            return .none
        }
        if let probe = self.probe {
            guard now - probe.sentAt >= self.timeout else { return .none }
            self.probe = nil
            return probe.isConfirmed ? .replace : .none
        }
        guard now >= self.nextAt else { return .none }
        self.number += 1
        self.nextAt = now + self.interval
        self.probe = Probe(number: self.number, sentAt: now)
        return .publish(self.number)
    }

    /// Redis answered the publishing of a probe.
    package mutating func published(_ number: Int, confirmed: Bool) {
        guard self.probe?.number == number else { return }
        if confirmed { self.probe?.isConfirmed = true } else { self.probe = nil }
    }

    /// A probe came: how long it took, or nil where it is not the one that is waited for.
    package mutating func received(_ number: Int, now: Int64) -> Int64? {
        guard let probe = self.probe, probe.number == number else { return nil }
        self.probe = nil
        return now - probe.sentAt
    }
}
