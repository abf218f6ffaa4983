// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
package import MartletHub

/// Which shards of this node want which channels, and how far the broker has been told.
///
/// A channel that no shard wants any more stays open for a while: many come back at once, and a client that moves
/// from page to page should cost the broker nothing. A shard that wants a channel waits for the broker's
/// acknowledgement, together with all others that want it, because only what is published afterwards is sure to come.
///
/// Time is counted in ticks of the caller's choice. What a method returns is for the caller to do.
package struct InterestTable {
    package enum State: Equatable, Sendable {
        /// The broker is, or will be, asked for it.
        case opening
        case open
        /// The broker was asked to stop.
        case closing
    }

    package enum AddAction: Equatable {
        case subscribe
        /// It is open already.
        case acknowledge
        case wait
    }

    package enum RemoveAction: Equatable {
        case unsubscribe
        case none
    }

    package enum DueAction: Equatable {
        case unsubscribe(String)
        /// These shards waited too long, and are forgotten.
        case fail(String, ShardSet)
    }

    private struct Entry {
        var channel: String
        var state: State
        /// Shards whose subscription was acknowledged. They keep it through an outage.
        var shards: ShardSet = []
        var waiting: ShardSet = []

        var isUnwanted: Bool { self.shards.isEmpty && self.waiting.isEmpty }
    }

    private let linger: UInt32
    private let patience: UInt32
    private var numbers: [String: Int32] = [:]
    private var entries: [Entry] = []
    private var free: [Int32] = []
    /// One deadline for each entry: while it opens that of its waiters, while nobody wants it the end of its lingering.
    private var wheel = TimerWheel(slots: 256)
    private var isConnected = false
    private var expired: [Int32] = []

    /// - Parameters:
    ///   - linger: Ticks for which an unwanted channel stays open.
    ///   - patience: Ticks for which a shard waits for an acknowledgement.
    package init(linger: UInt32, patience: UInt32) {
        self.linger = linger
        self.patience = patience
    }

    package var count: Int { self.numbers.count }

    /// All channels, whatever their state.
    package var names: some Collection<String> { self.numbers.keys }

    package func state(of channel: String) -> State? { self.numbers[channel].map { self.entries[Int($0)].state } }

    /// Whom a message of this channel is for. Shards that wait have no part in it yet.
    package func shards(of channel: String) -> ShardSet {
        self.numbers[channel].map { self.entries[Int($0)].shards } ?? []
    }

    package mutating func add(_ channel: String, shard: Int) -> AddAction {
        guard let number = self.numbers[channel] else {
            self.wait(shard, self.insert(channel))
            return .subscribe
        }
        switch self.entries[Int(number)].state {
        case .open:
            self.entries[Int(number)].shards.insert(shard)
            self.wheel.cancel(number)
            return .acknowledge
        case .opening:
            self.wait(shard, number)
            return .wait
        case .closing:
            self.entries[Int(number)].state = .opening
            self.wait(shard, number)
            return .subscribe
        }
    }

    package mutating func remove(_ channel: String, shard: Int) -> RemoveAction {
        guard let number = self.numbers[channel] else { return .none }
        self.entries[Int(number)].shards.remove(shard)
        self.entries[Int(number)].waiting.remove(shard)
        let entry = self.entries[Int(number)]
        switch entry.state {
        case .opening:
            if entry.waiting.isEmpty { self.wheel.cancel(number) }
            guard entry.isUnwanted, !self.isConnected else { return .none }
            self.release(number)
            return .unsubscribe
        case .open:
            if entry.isUnwanted { self.wheel.schedule(number, at: self.wheel.now + self.linger) }
            return .none
        case .closing:
            return .none
        }
    }

    /// The broker acknowledged the subscription: whom to tell. An acknowledgement that repeats itself is for nobody.
    package mutating func acknowledged(_ channel: String) -> ShardSet {
        guard let number = self.numbers[channel], self.entries[Int(number)].state == .opening else { return [] }
        let waiting = self.entries[Int(number)].waiting
        self.entries[Int(number)].state = .open
        self.entries[Int(number)].shards.formUnion(waiting)
        self.entries[Int(number)].waiting = []
        self.wheel.cancel(number)
        if self.entries[Int(number)].isUnwanted { self.wheel.schedule(number, at: self.wheel.now + self.linger) }
        return waiting
    }

    /// The broker acknowledged the end of the subscription, which may have been asked for again meanwhile.
    package mutating func ended(_ channel: String) {
        guard let number = self.numbers[channel], self.entries[Int(number)].state == .closing else { return }
        self.release(number)
    }

    package mutating func connected() { self.isConnected = true }

    /// The broker is away. Shards keep their interest, which has to be acknowledged again before others can join it;
    /// returned is what need not be asked for again.
    package mutating func disconnected() -> [String] {
        self.isConnected = false
        var unwanted: [String] = []
        for number in self.numbers.values {
            if self.entries[Int(number)].isUnwanted {
                unwanted.append(self.entries[Int(number)].channel)
                self.release(number)
            } else {
                self.entries[Int(number)].state = .opening
            }
        }
        return unwanted
    }

    /// Whether any shard was told that a subscription stands.
    package var hasAcknowledged: Bool { self.numbers.values.contains { !self.entries[Int($0)].shards.isEmpty } }

    package mutating func advance(to tick: UInt32) -> [DueAction] {
        self.expired.removeAll(keepingCapacity: true)
        self.wheel.advance(to: tick, into: &self.expired)
        var actions: [DueAction] = []
        for number in self.expired {
            let entry = self.entries[Int(number)]
            switch entry.state {
            case .opening:
                actions.append(.fail(entry.channel, entry.waiting))
                self.entries[Int(number)].waiting = []
                guard entry.shards.isEmpty, !self.isConnected else { break }
                self.release(number)
                actions.append(.unsubscribe(entry.channel))
            case .open:
                self.entries[Int(number)].state = .closing
                actions.append(.unsubscribe(entry.channel))
            case .closing:
                break
            }
        }
        return actions
    }

    private mutating func wait(_ shard: Int, _ number: Int32) {
        if self.entries[Int(number)].waiting.isEmpty {
            self.wheel.schedule(number, at: self.wheel.now + self.patience)
        }
        self.entries[Int(number)].waiting.insert(shard)
    }

    private mutating func insert(_ channel: String) -> Int32 {
        let number = self.free.popLast() ?? Int32(self.entries.count)
        let entry = Entry(channel: channel, state: .opening)
        if Int(number) == self.entries.count { self.entries.append(entry) } else { self.entries[Int(number)] = entry }
        self.numbers[channel] = number
        return number
    }

    private mutating func release(_ number: Int32) {
        self.wheel.cancel(number)
        self.numbers[self.entries[Int(number)].channel] = nil
        self.entries[Int(number)] = Entry(channel: "", state: .closing)
        self.free.append(number)
    }
}
