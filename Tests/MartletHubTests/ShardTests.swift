// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import Testing

@testable import MartletHub

@Suite("A shard")
struct ShardTests {
    @Test func firstSubscriberAsksTheBusAndTheLastGivesUp() throws {
        let rig = try ShardRig()
        rig.register(0..<3)
        for slot in Int32(0)..<3 {
            #expect(rig.shard.subscribe(slot, to: "a", SubscribeOptions(ticket: UInt32(slot))) == .pending)
        }
        #expect(rig.shard.subscribe(0, to: "a", SubscribeOptions(ticket: 9)) == .alreadySubscribed)
        #expect(rig.bus.take() == ["+a"])
        rig.acknowledge("a")
        #expect(rig.edge.take() == ["0 a #0 subscribed", "1 a #1 subscribed", "2 a #2 subscribed"])
        rig.register(3..<4)
        #expect(rig.shard.subscribe(3, to: "a", SubscribeOptions(ticket: 3)) == .subscribed(SubscriptionStart()))
        #expect(rig.metrics.subscriptions.current == 4 && rig.metrics.channels.current == 1)
        #expect(rig.shard.unsubscribe(0, from: "a"))
        #expect(!rig.shard.unsubscribe(0, from: "a"))
        for slot in Int32(1)..<4 { rig.shard.unregister(slot) }
        #expect(rig.bus.take() == ["-a"])
        #expect(rig.metrics.subscriptions.current == 0 && rig.metrics.channels.current == 0)
    }

    @Test(arguments: [false, true]) func aFailedSubscriptionLeavesNothing(connectionsEnd: Bool) throws {
        let rig = try ShardRig()
        rig.register(0..<3)
        // What an event stream does that cannot have its channel.
        if connectionsEnd { rig.edge.onSubscribed = { [shard = rig.shard] in shard.unregister($0) } }
        for slot in Int32(0)..<3 { _ = rig.shard.subscribe(slot, to: "a", SubscribeOptions(ticket: 7)) }
        rig.acknowledge("a", .unavailable)
        #expect(rig.edge.take().count == 3)
        #expect(rig.bus.take() == ["+a", "-a"])
        #expect(rig.metrics.subscriptions.current == 0 && rig.metrics.channels.current == 0)
        // The numbers of the channels are still told apart.
        rig.edge.onSubscribed = { _ in }
        rig.register(0..<3)
        for slot in Int32(0)..<3 { _ = rig.shard.subscribe(slot, to: "c\(slot)", SubscribeOptions(ticket: 1)) }
        for slot in Int32(0)..<3 { rig.acknowledge("c\(slot)") }
        #expect(rig.edge.take() == ["0 c0 #1 subscribed", "1 c1 #1 subscribed", "2 c2 #1 subscribed"])
        #expect(rig.metrics.channels.current == 3)
        for slot in Int32(0)..<3 { rig.shard.unregister(slot) }
        #expect(rig.metrics.subscriptions.current == 0 && rig.metrics.channels.current == 0)
    }

    @Test func whoGoesWhileItWaitsIsNotTold() throws {
        let rig = try ShardRig()
        rig.register(0..<2)
        _ = rig.shard.subscribe(0, to: "a", SubscribeOptions(ticket: 1))
        _ = rig.shard.subscribe(1, to: "a", SubscribeOptions(ticket: 2))
        #expect(rig.shard.isWaiting(0))
        rig.shard.unregister(0)
        #expect(rig.shard.unsubscribe(1, from: "a"))
        #expect(rig.edge.take() == ["1 a #2 the bus did not confirm"])
        rig.acknowledge("a")
        #expect(rig.edge.take().isEmpty)
        #expect(rig.bus.take() == ["+a", "-a"])
    }

    @Test func limitsOfChannels() throws {
        var limits = Limits()
        limits.subscriptionsMax = 2
        limits.channelsMax = 3
        let rig = try ShardRig(limits: limits)
        rig.register(0..<2)
        #expect(rig.shard.subscribe(0, to: "a", SubscribeOptions(ticket: 0)) == .pending)
        #expect(rig.shard.subscribe(0, to: "b", SubscribeOptions(ticket: 0)) == .pending)
        #expect(rig.shard.subscribe(0, to: "c", SubscribeOptions(ticket: 0)) == .limitExceeded)
        #expect(rig.shard.subscribe(1, to: "c", SubscribeOptions(ticket: 0)) == .pending)
        #expect(rig.shard.subscribe(1, to: "d", SubscribeOptions(ticket: 0)) == .overloaded)
        #expect(rig.shard.subscribe(1, to: "a", SubscribeOptions(ticket: 0)) == .pending)
    }

    @Test func anOverrunLaneIsAGapBehindWhatWasTaken() throws {
        var limits = Limits()
        limits.mailboxMax = 3
        let rig = try ShardRig(limits: limits)
        rig.register(0..<1)
        _ = rig.shard.subscribe(0, to: "a", SubscribeOptions(ticket: 0))
        rig.acknowledge("a")
        _ = rig.edge.take()
        for number in 0..<5 { rig.hub.deliver(Publication(channel: "a", data: Array("\(number)".utf8)), to: [0]) }
        rig.shard.processMailbox()
        // Told without waiting for another publication, and once.
        #expect(rig.edge.take() == ["0 a missed"])
        #expect(rig.metrics.overrun.total == 2 && rig.metrics.deliveries.total == 3)
        rig.shard.processMailbox()
        #expect(rig.edge.take().isEmpty)
    }

    @Test func acknowledgementsAreNotLostInAnOverrunLane() throws {
        var limits = Limits()
        limits.mailboxMax = 1
        let rig = try ShardRig(limits: limits)
        rig.register(0..<1)
        _ = rig.shard.subscribe(0, to: "a", SubscribeOptions(ticket: 4))
        rig.hub.deliver(Publication(channel: "x", data: []), to: [0])
        rig.acknowledge("a")
        #expect(rig.edge.take() == ["0 a #4 subscribed"])
        rig.hub.deliver(Publication(channel: "x", data: []), to: [0])
        rig.hub.gap(["a", "b"])
        rig.shard.processMailbox()
        #expect(rig.edge.take() == ["0 a missed"])
    }

    @Test func selectorsAndInvalidationsFindTheirConnectionsOnly() throws {
        let rig = try ShardRig()
        let org = [Identity.Claim(name: "org", value: "x")]
        let identities = [
            Identity(user: "ann", session: "s1", token: "t1", issuedAt: 100),
            Identity(user: "ann", session: "s2", token: "t2", issuedAt: 200),
            Identity(user: "bob", session: "s3", token: "t3", issuedAt: 100, claims: org),
            Identity(user: ""),
        ]
        for (slot, identity) in identities.enumerated() {
            rig.shard.register(Int32(slot), identity: identity, format: .jsonRPC)
        }
        func ended(_ message: ShardMessage) -> [String] {
            rig.hub.tellAll(message)
            rig.shard.processMailbox()
            return rig.edge.take().sorted()
        }
        func ended(_ target: Invalidation.Target, _ source: Invalidation.Source = .kafka) -> [String] {
            ended(.invalidate(Invalidation(id: "", target: target, at: 0, source: source)))
        }
        #expect(ended(.session("s2")) == ["1 ended 4500"])
        #expect(ended(.session("s2"), .pull) == ["1 ended 4503"])
        #expect(ended(.user("ann", before: 100)) == ["0 ended 4501"])
        #expect(ended(.user("ann", before: 200)) == ["0 ended 4501", "1 ended 4501"])
        #expect(ended(.token("t3")) == ["2 ended 4502"])
        #expect(ended(.claim(name: "org", value: "x", before: 100)) == ["2 ended 4504"])
        #expect(ended(.claim(name: "org", value: "y", before: 100)).isEmpty)
        #expect(ended(.user("", before: 100)).isEmpty)
        #expect(
            ended(.user(.disconnect(.user("ann", session: nil), CloseNotice(.forceDisconnect))) { _ in }) == [
                "0 ended 3503", "1 ended 3503",
            ])
        #expect(
            ended(.user(.disconnect(.user("ann", session: "s1"), CloseNotice(.forceDisconnect))) { _ in }) == [
                "0 ended 3503"
            ])
        #expect(ended(.closeStale([Identity(user: "bob", session: "s3")], .session)) == ["2 ended 4000"])
        // After a refresh the new names count and the old do not.
        rig.shard.replaceIdentity(1, with: Identity(user: "ann", session: "s9", issuedAt: 300))
        #expect(ended(.session("s2")).isEmpty)
        #expect(ended(.session("s9")) == ["1 ended 4500"])
        #expect(ended(.user("ann", before: 200)) == ["0 ended 4501"])
    }

    /// Somebody without a user may still have a session that ends.
    @Test func sessionsWithoutAUserAreFound() throws {
        let rig = try ShardRig()
        rig.shard.register(0, identity: Identity(user: "", session: "s1"), format: .jsonRPC)
        rig.hub.tellAll(.invalidate(Invalidation(id: "", target: .session("s1"), at: 0, source: .api)))
        rig.shard.processMailbox()
        #expect(rig.edge.take() == ["0 ended 4500"])
        rig.shard.unregister(0)
        #expect(rig.shard.sessions.keyCount == 0)
    }

    /// Of many connections that one event ends some have their turn later, and others do not wait for them.
    @Test(arguments: [Invalidation.Target.user("ann", before: 100), .claim(name: "org", value: "x", before: 100)])
    func manyAreEndedInSlices(_ target: Invalidation.Target) throws {
        let rig = try ShardRig()
        let org = [Identity.Claim(name: "org", value: "x")]
        let count: Int32 = 20_000
        for slot in 0..<count {
            let identity = Identity(user: "ann", session: "s\(slot)", issuedAt: 100, claims: org)
            rig.shard.register(slot, identity: identity, format: .jsonRPC)
        }
        rig.shard.register(count, identity: Identity(user: "bob", session: "b", issuedAt: 100), format: .jsonRPC)
        let tally = ClosureTally()
        rig.hub.invalidate(Invalidation(id: "", target: target, at: 0, source: .api), tally)
        rig.shard.processMailbox()
        var ended = rig.edge.take()
        #expect(!ended.isEmpty && ended.count < 1_000 && !tally.isComplete)
        // One that is left shows a token that is not meant, another goes and a stranger takes its place.
        let suffix = if case .user = target { " ended 4501" } else { " ended 4504" }
        let gone = Set(ended)
        let left = (0..<count).filter { !gone.contains("\($0)\(suffix)") }
        let (fresh, taken) = (left[left.count / 2], left[left.count / 3])
        rig.shard.replaceIdentity(fresh, with: Identity(user: "ann", session: "new", issuedAt: 101, claims: org))
        rig.shard.unregister(taken)
        rig.shard.register(taken, identity: Identity(user: "cid", session: "c"), format: .jsonRPC)
        // What names one connection does not wait.
        rig.hub.tellAll(.invalidate(Invalidation(id: "", target: .session("b"), at: 0, source: .api)))
        rig.shard.processMailbox()
        let next = rig.edge.take()
        #expect(next.contains("\(count) ended 4500") && !tally.isComplete)
        ended += next
        for _ in 0..<100 where !tally.isComplete {
            rig.shard.processMailbox()
            ended += rig.edge.take()
        }
        #expect(tally.isComplete && tally.queued == Int(count) - 2)
        #expect(ended.count == Int(count) - 1 && Set(ended).count == ended.count)
        #expect(!ended.contains { $0.hasPrefix("\(fresh) ") || $0.hasPrefix("\(taken) ") })
    }

    @Test func whatAnInvalidationEndsIsCounted() throws {
        let rig = try ShardRig()
        for slot in Int32(0)..<3 {
            rig.shard.register(slot, identity: Identity(user: "ann", session: "s\(slot % 2)"), format: .jsonRPC)
        }
        let tally = ClosureTally()
        rig.hub.invalidate(Invalidation(id: "", target: .session("s0"), at: 0, source: .kafka), tally)
        #expect(!tally.isComplete && tally.queued == 0)
        rig.shard.processMailbox()
        #expect(tally.isComplete && tally.queued == 2 && tally.done == 0)
        // Others' ends, and what takes the slot afterwards, are not its own.
        for slot in [Int32(1), 0, 0, 2] { rig.shard.socketClosed(slot) }
        #expect(tally.queued == 2 && tally.done == 2)
        let none = ClosureTally()
        #expect(!none.isComplete, "nobody was told yet")
        rig.hub.invalidate(Invalidation(id: "", target: .session("s9"), at: 0, source: .kafka), none)
        rig.shard.processMailbox()
        #expect(none.isComplete && none.queued == 0)
    }

    @Test func channelsAreCountedAndNamedInParts() throws {
        let rig = try ShardRig()
        rig.register(0..<100)
        for slot in Int32(0)..<100 {
            for number in slot..<100 {
                let name = "c\(number)"
                if rig.shard.subscribe(slot, to: name, SubscribeOptions()) == .pending { rig.acknowledge(name) }
            }
        }
        rig.shard.unregister(99)
        rig.shard.ticked(now: 1)
        let snapshot = rig.shard.snapshot(namesUsers: false)
        #expect(snapshot.channelCount == 100 && snapshot.subscriptions == 5_049 && snapshot.users.isEmpty)
        #expect(snapshot.topChannels.map(\.subscribers) == [99, 99, 98, 97, 96, 95, 94, 93, 92, 91])
        #expect(snapshot.topChannels.last?.name == "c90")
        let slice = rig.shard.channelSlice(from: 0)
        #expect(slice.channels.count == 100 && slice.next == nil)
        #expect(rig.shard.channelSlice(from: 100).channels.isEmpty)
    }

    @Test func aStoppedShardAnswersAndThenRefuses() async throws {
        let rig = try ShardRig()
        rig.register(0..<1)
        _ = rig.shard.subscribe(0, to: "a", SubscribeOptions(ticket: 0))
        let hub = rig.hub
        async let waiting = hub.snapshots(namesUsers: true)
        // The question is asked by another task.
        try await Task.sleep(for: .milliseconds(20))
        rig.shard.stop()
        #expect(await waiting.first?.users == ["u0"])
        #expect(await hub.snapshots().first?.users == [])
    }
}
