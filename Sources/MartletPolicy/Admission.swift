// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// Decides who may connect to a node, and keeps the counts it decides by.
///
/// A value: shards share one behind a lock, the simulator has one a node. Each admitted connection is counted until
/// `released`. The tables hold an entry for an address or a user with open connections only, so they are bounded by
/// the capacity, and they stay empty where nothing is limited.
package struct Admission: Sendable {
    /// What the node is doing, as far as it decides who may come.
    package enum Mode: Sendable {
        case starting, ready, draining
    }

    /// Whether new connections are wanted at all.
    package private(set) var mode = Mode.starting
    package private(set) var connections = 0
    /// When a client was last refused because too many came at once, in monotonic nanoseconds.
    package private(set) var refusedForRateAt: Int64?

    private var configuration: AdmissionConfiguration
    private var bucket: TokenBucket?
    /// When the node became ready, while its rate still rises.
    private var risingSince: Int64?
    /// Whether it ever was, or would have been but for a drain.
    private var hasBeenReady = false
    private var addresses: [UInt64: Int32] = [:]
    private var users: [String: Int32] = [:]

    package init(_ configuration: AdmissionConfiguration, now: Int64) {
        self.configuration = configuration
        // A second's worth may come at once: reconnects arrive in clumps.
        self.bucket = configuration.connectsPerSecond.map { TokenBucket(rate: $0, burst: $0, now: now) }
    }

    /// The node does something else from now on. A drain is final: readiness that comes late does not open the doors
    /// again; `reopen` does.
    package mutating func enter(_ mode: Mode, now: Int64) {
        if mode == .ready { self.hasBeenReady = true }
        guard self.mode != .draining else { return }
        if mode == .ready, self.mode != .ready { self.risingSince = now }
        self.mode = mode
    }

    /// Takes a drain back. The rate rises as that of a new node does; one that was not ready yet goes on starting.
    package mutating func reopen(now: Int64) {
        guard self.mode == .draining else { return }
        self.mode = .starting
        if self.hasBeenReady { self.enter(.ready, now: now) }
    }

    /// Takes other limits. Who is in stays in, and who is not counted by address or user yet is not counted later.
    package mutating func reconfigure(_ configuration: AdmissionConfiguration, now: Int64) {
        if configuration.connectsPerSecond != self.configuration.connectsPerSecond {
            // The first decision that follows sees to a rate that still rises.
            self.bucket = configuration.connectsPerSecond.map { TokenBucket(rate: $0, burst: $0, now: now) }
        }
        self.configuration = configuration
    }

    /// Decides on a connection of `address`, and counts it if it is admitted.
    ///
    /// - Parameters:
    ///   - isLetIn: Whether it was admitted before and gave its place back while it waited: it counts for the rate
    ///     once.
    ///   - random: Drawn from 0..<1, for the jitter.
    package mutating func admit(
        _ address: PeerAddress, now: Int64, isLetIn: Bool = false, random: Double = .random(in: 0..<1)
    ) -> AdmissionVerdict {
        if let refusal = self.refusal(address, now, isLetIn: isLetIn) {
            return self.refuse(refusal, now: now, random: random)
        }
        self.connections += 1
        if self.countsByAddress(address) { self.addresses[address.limitKey, default: 0] += 1 }
        return .admit
    }

    /// Decides on the user of an admitted connection, once that is known, and counts it. An anonymous user (empty) is
    /// nobody in particular.
    package mutating func admit(user: String, random: Double = .random(in: 0..<1)) -> AdmissionVerdict {
        guard let limit = self.configuration.connectionsPerUserMax, !user.isEmpty else { return .admit }
        let open = self.users[user] ?? 0
        guard open < limit else { return self.refuse(.user, now: nil, random: random) }
        self.users[user] = open + 1
        return .admit
    }

    /// An admitted connection ended. `user` is the one it was admitted with, if that came about.
    package mutating func released(_ address: PeerAddress, user: String?) {
        self.connections = max(0, self.connections - 1)
        Self.decrement(&self.addresses, address.limitKey)
        if let user { self.released(user: user) }
    }

    /// A connection's user is no longer the one it was admitted with.
    package mutating func released(user: String) {
        Self.decrement(&self.users, user)
    }

    private mutating func refusal(_ address: PeerAddress, _ now: Int64, isLetIn: Bool) -> AdmissionRefusal? {
        self.rise(now)
        switch self.mode {
        case .starting: return .notReady
        case .draining: return .draining
        case .ready: break
        }
        if self.connections >= self.configuration.connectionsMax { return .capacity }
        if let limit = self.configuration.connectionsPerAddressMax, self.countsByAddress(address),
            (self.addresses[address.limitKey] ?? 0) >= limit
        {
            return .address
        }
        // Last, so that who is refused anyway takes no token from others.
        guard !isLetIn, self.bucket?.take(now: now) == false else { return nil }
        self.refusedForRateAt = now
        return .rate
    }

    /// Gives the bucket the rate that a new node takes by now.
    private mutating func rise(_ now: Int64) {
        guard let since = self.risingSince else { return }
        guard let slowStart = self.configuration.slowStart, let rate = self.configuration.connectsPerSecond else {
            self.risingSince = nil
            return
        }
        let factor = slowStart.factor(after: now - since)
        self.bucket?.change(rate: rate * factor, burst: rate * factor, now: now)
        if factor == 1 { self.risingSince = nil }
    }

    private func refuse(_ refusal: AdmissionRefusal, now: Int64?, random: Double) -> AdmissionVerdict {
        var delay = self.configuration.retryAfter
        if refusal == .rate, let now, let wait = self.bucket?.wait(now: now), wait < .max {
            delay = max(delay, .nanoseconds(wait))
        }
        let jittered = ReconnectAdvice.delay(delay, random: random)
        return .refuse(refusal, retryAfter: max(1, Int(jittered.inSeconds.rounded(.up))))
    }

    private func countsByAddress(_ address: PeerAddress) -> Bool {
        guard self.configuration.connectionsPerAddressMax != nil else { return false }
        return !self.configuration.trustedProxies.contains { $0.contains(address) }
    }

    private static func decrement<Key>(_ table: inout [Key: Int32], _ key: Key) {
        guard let count = table[key] else { return }
        table[key] = count > 1 ? count - 1 : nil
    }
}
