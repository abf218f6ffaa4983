// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import MartletRedis
import NIOCore

/// Who of this node is in which channel, as Redis is to know it. Confined to the bus' event loop.
///
/// Each entry in Redis names a lease, a key that lives for seconds and that the node prolongs: one command keeps all
/// entries of a node alive, and a node that dies takes them along. Whenever Redis may have missed something, since it
/// was away or the lease ended, the node takes another lease and writes all again under it, at a pace; until that is
/// done it prolongs the old one too. Ending the old one then ends what is there in error.
final class RedisPresence {
    private struct Members {
        /// What stands behind the lease in each client's entry.
        var tails: [String: [UInt8]] = [:]
        /// Whether the channel's key was given its life.
        var isExpirySet = false
    }

    /// Leases that are prolonged until all is written under the present one.
    private static let eldersMax = 4
    private static let gathering: Duration = .milliseconds(10)

    private let configuration: RedisBusConfiguration
    private let names: RedisNames
    private let commands: RedisCommandConnection
    private let eventLoop: any EventLoop
    private let metrics: RedisBusMetrics
    private let status: RedisBusHealth
    private let leaseStem: String
    private var channels: [String: Members] = [:]
    /// Clients whose entries are not as Redis was told.
    private var dirty: [String: Set<String>] = [:]
    private var dirtyCount = 0
    /// Whether Redis lacks more than what is dirty.
    private var mustRestore = false
    private var isFlushDue = false
    /// Whether Redis refused something, which is repeated with the next tick.
    private var isHeldUp = false
    private var lease: String?
    private var leaseNumber = 0
    private var leaseDueAt: Int64 = 0
    private var elders: [String] = []
    /// Connections that were made until now.
    private var opens = 0
    private var restoring: [String] = []
    /// Channels whose keys get their life anew, a few with each tick.
    private var refreshing: [String] = []
    private var refreshStep = 1
    private var refreshDueAt: Int64 = 0
    private var isEnded = false
    /// What is still to be taken away.
    private var leaving: [(key: String, value: Members)] = []

    init(
        configuration: RedisBusConfiguration, names: RedisNames, nodeID: String, commands: RedisCommandConnection,
        eventLoop: any EventLoop, metrics: RedisBusMetrics, status: RedisBusHealth
    ) {
        self.configuration = configuration
        self.names = names
        self.commands = commands
        self.eventLoop = eventLoop
        self.metrics = metrics
        self.status = status
        // A node that begins again has other leases than it had before.
        self.leaseStem = "\(nodeID).\(StreamRules.makeEpoch())."
    }

    func enter(_ channel: String, _ client: String, _ tail: [UInt8]) {
        if self.channels[channel, default: Members()].tails.updateValue(tail, forKey: client) == nil {
            self.metrics.presenceEntries.add(1)
        }
        self.changed(channel, client)
    }

    func leave(_ channel: String, _ client: String) {
        guard self.channels[channel]?.tails.removeValue(forKey: client) != nil else { return }
        self.metrics.presenceEntries.add(-1)
        if self.channels[channel]?.tails.isEmpty == true { self.channels[channel] = nil }
        self.changed(channel, client)
    }

    func ticked(now: Int64) {
        self.isHeldUp = false
        self.flush()
        guard self.lease != nil, !self.isEnded else { return }
        if now >= self.leaseDueAt { self.prolongLease(now: now) }
        self.restore()
        self.refresh(now: now)
    }

    /// Sends what was gathered.
    func flush() {
        guard !self.isEnded else { return }
        let opens = self.status.commandOpens
        // Without a connection nothing need be remembered: the next one begins with all of it.
        guard opens > 0 else { return self.giveUpDirty() }
        if opens != self.opens {
            self.opens = opens
            if self.lease != nil || !self.channels.isEmpty { self.renewLease(now: Clock.monotonic) }
        }
        guard !self.dirty.isEmpty, !self.isHeldUp else { return }
        if self.lease == nil { self.renewLease(now: Clock.monotonic) }
        let dirty = self.dirty
        self.dirty = [:]
        self.dirtyCount = 0
        for (channel, clients) in dirty { self.write(channel, clients) }
    }

    /// Takes this node's entries away, or at least their leases; the future succeeds in any case.
    func end() -> EventLoopFuture<Void> {
        self.isEnded = true
        let promise = self.eventLoop.makePromise(of: Void.self)
        guard let lease = self.lease else {
            promise.succeed()
            return promise.futureResult
        }
        let keys = ([lease] + self.elders).map { RESPArgument.text(self.names.leasePrefix + $0) }
        self.leaving = Array(self.channels)
        self.channels = [:]
        self.remove(after: ["UNLINK"] + keys, promise)
        return promise.futureResult
    }

    /// One step of the removal for each answer, so that no more waits for Redis than a step.
    private func remove(after command: [RESPArgument], _ promise: EventLoopPromise<Void>) {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.commands.send(command) { result in
            let presence = bound.value
            guard case .success = result else { return promise.succeed() }
            var removals: [[RESPArgument]] = []
            while removals.count < presence.configuration.presence.commandsPerTick,
                let next = presence.leaving.popLast()
            {
                removals += presence.removals(next.key, next.value)
            }
            // The last command of a step is the one whose answer is waited for.
            guard let last = removals.popLast() else { return promise.succeed() }
            for removal in removals { presence.commands.send(removal) { _ in } }
            presence.remove(after: last, promise)
        }
    }

    private func removals(_ channel: String, _ members: Members) -> [[RESPArgument]] {
        self.chunks(members.tails.keys).map { chunk in
            ["HDEL", .text(self.names.presence(of: channel))] + chunk.map(RESPArgument.text)
        }
    }

    // MARK: Entries

    private func changed(_ channel: String, _ client: String) {
        guard !self.isEnded, self.dirty[channel, default: []].insert(client).inserted else { return }
        self.dirtyCount += 1
        if self.dirtyCount > self.configuration.presence.waitingMax {
            // Too much to remember singly: a new lease makes all of it good.
            self.giveUpDirty()
            return self.renewLease(now: Clock.monotonic)
        }
        guard !self.isFlushDue else { return }
        self.isFlushDue = true
        self.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(Self.gathering.nanoseconds)) {
            self.isFlushDue = false
            self.flush()
        }
    }

    private func giveUpDirty() {
        if self.dirtyCount > 0 { self.mustRestore = true }
        self.dirty = [:]
        self.dirtyCount = 0
    }

    /// Writes the entries of these clients, or removes those that are no more; says how many commands that took.
    @discardableResult
    private func write(_ channel: String, _ clients: some Collection<String>) -> Int {
        guard let lease = self.lease else { return 0 }
        let key = RESPArgument.text(self.names.presence(of: channel))
        let tails = self.channels[channel]?.tails ?? [:]
        var count = 0
        for chunk in self.chunks(clients.filter { tails[$0] != nil }) {
            var command: [RESPArgument] = ["HSET", key]
            for client in chunk {
                command.append(.text(client))
                command.append(.bytes(PresenceValue.encode(lease: lease, tail: tails[client] ?? [])))
            }
            self.send(command, channel, chunk)
            count += 1
        }
        if count > 0, self.channels[channel]?.isExpirySet == false {
            self.channels[channel]?.isExpirySet = true
            self.setExpiry(channel)
            count += 1
        }
        for chunk in self.chunks(clients.filter { tails[$0] == nil }) {
            self.send(["HDEL", key] + chunk.map(RESPArgument.text), channel, chunk)
            count += 1
        }
        return count
    }

    private func send(_ command: [RESPArgument], _ channel: String, _ clients: [String]) {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.commands.send(command) { result in
            // Where the connection ended, the next begins with all of it.
            guard case .failure(let error) = result else { return }
            switch error {
            case .overloaded, .refused: bound.value.refused(channel, clients)
            case .unavailable, .stopped, .timedOut, .connectionLost, .violation: break
            }
        }
    }

    private func refused(_ channel: String, _ clients: [String]) {
        self.metrics.presenceRefusals.add()
        self.isHeldUp = true
        // The key may not have been given its life.
        self.channels[channel]?.isExpirySet = false
        for client in clients { self.changed(channel, client) }
    }

    private func setExpiry(_ channel: String) {
        let life = String(self.configuration.presence.channelTTL.nanoseconds / 1_000_000)
        self.commands.send(["PEXPIRE", .text(self.names.presence(of: channel)), .text(life)]) { _ in }
    }

    private func chunks(_ clients: some Collection<String>) -> [[String]] {
        var chunks: [[String]] = []
        var rest = Array(clients)[...]
        while !rest.isEmpty {
            chunks.append(Array(rest.prefix(self.configuration.presence.fieldsMax)))
            rest = rest.dropFirst(self.configuration.presence.fieldsMax)
        }
        return chunks
    }

    // MARK: Leases

    private var leaseLife: RESPArgument {
        .text(String(self.configuration.presence.leaseTTL.nanoseconds / 1_000_000))
    }

    /// Takes another lease, under which all is written again.
    private func renewLease(now: Int64) {
        if let lease = self.lease {
            self.elders = Array((self.elders + [lease]).suffix(Self.eldersMax))
            self.metrics.presenceRestores.add()
            self.mustRestore = true
        }
        self.leaseNumber += 1
        let lease = self.leaseStem + String(self.leaseNumber)
        self.lease = lease
        self.leaseDueAt = now + self.configuration.presence.leaseInterval.nanoseconds
        self.commands.send(["SET", .text(self.names.leasePrefix + lease), "1", "PX", self.leaseLife]) { _ in }
        self.prolongElders()
        if self.mustRestore { self.restoring = Array(self.channels.keys) }
        self.mustRestore = false
    }

    private func prolongLease(now: Int64) {
        guard let lease = self.lease else { return }
        self.leaseDueAt = now + self.configuration.presence.leaseInterval.nanoseconds
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.commands.send(
            ["SET", .text(self.names.leasePrefix + lease), "1", "PX", self.leaseLife, "XX"]
        ) { result in
            // It had ended: this node, or Redis, stood still for too long, or Redis forgot.
            guard case .success(.null) = result, bound.value.lease == lease else { return }
            bound.value.renewLease(now: Clock.monotonic)
        }
        self.prolongElders()
    }

    private func prolongElders() {
        for elder in self.elders {
            self.commands.send(["PEXPIRE", .text(self.names.leasePrefix + elder), self.leaseLife]) { _ in }
        }
    }

    private func restore() {
        guard !self.restoring.isEmpty || !self.elders.isEmpty, !self.isHeldUp else { return }
        var budget = self.configuration.presence.commandsPerTick
        while budget > 0, let channel = self.restoring.popLast() {
            guard let clients = self.channels[channel]?.tails.keys else { continue }
            self.channels[channel]?.isExpirySet = false
            budget -= self.write(channel, clients)
        }
        guard self.restoring.isEmpty, !self.elders.isEmpty else { return }
        // Behind all that was written, so that what is there twice is never there not at all.
        self.commands.send(["UNLINK"] + self.elders.map { .text(self.names.leasePrefix + $0) }) { _ in }
        self.elders = []
    }

    /// Each key gets its life anew twice in it, and all of them evenly over that time.
    private func refresh(now: Int64) {
        if self.refreshing.isEmpty {
            guard now >= self.refreshDueAt else { return }
            let half = max(1, self.configuration.presence.channelTTL.nanoseconds / 2)
            let isFirst = self.refreshDueAt == 0
            self.refreshDueAt = now + half
            if isFirst { return }
            self.refreshing = Array(self.channels.keys)
            self.refreshStep = self.refreshing.count / max(1, Int(half / 2 / 100_000_000)) + 1
        }
        for _ in 0..<self.refreshStep {
            guard let channel = self.refreshing.popLast() else { break }
            if self.channels[channel] != nil { self.setExpiry(channel) }
        }
    }
}
