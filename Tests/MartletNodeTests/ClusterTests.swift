// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import MartletProtocol
import TestSupport
import Testing

@testable import MartletNode

@Suite("The nodes of a cluster")
struct ClusterTests {
    private static let body = Array("{}".utf8)
    /// For those who wait in vain.
    private static let impatient = Cluster.Timing(
        announceInterval: .milliseconds(100), settleTime: .milliseconds(50), answerTime: .seconds(2))

    /// Announces the nodes for the time of a test.
    private func running(_ nodes: [FakeNode], _ body: () async throws -> Void) async throws {
        let tasks = nodes.map { node in Task { await node.cluster.run() } }
        defer { for task in tasks { task.cancel() } }
        for node in nodes {
            #expect(await eventually { node.cluster.membership.seen().count == nodes.count })
        }
        try await body()
    }

    @Test func everyNodeIsAskedOnceAndAnswers() async throws {
        let bus = SharedBus()
        let nodes = [FakeNode("a", on: bus), FakeNode("b", on: bus, .answers(5)), FakeNode("c", on: bus, .answers(0))]
        try await self.running(nodes) {
            let outcome = try await nodes[1].cluster.ask("disconnect", Self.body)
            #expect(outcome.reach.nodes.map(\.name) == ["a", "b", "c"])
            #expect(outcome.reach.nodes.map(\.count) == [1, 5, 0])
            #expect(outcome.reach.nodes.map(\.node) == ["id-a", "id-b", "id-c"])
            #expect(outcome.unanswered.isEmpty && outcome.reach.error == nil)
            for node in nodes { #expect(node.questions == ["disconnect {}"]) }
        }
    }

    @Test func manyQuestionsAtOnceDoNotMix() async throws {
        let bus = SharedBus()
        let nodes = [FakeNode("a", on: bus), FakeNode("b", on: bus, .answers(2))]
        try await self.running(nodes) {
            try await withThrowingTaskGroup(of: SurveyOutcome.self) { group in
                for number in 0..<200 {
                    let node = nodes[number % 2]
                    group.addTask { try await node.cluster.ask("m\(number)", Self.body) }
                }
                for try await outcome in group { #expect(outcome.reach.nodes.map(\.count) == [1, 2]) }
            }
            #expect(Set(nodes[0].questions).count == 200 && nodes[0].questions.count == 200)
        }
    }

    @Test func whoIsSilentIsNamed() async throws {
        let bus = SharedBus()
        let nodes = [
            FakeNode("a", on: bus, timing: Self.impatient), FakeNode("b", on: bus, .hangs),
            FakeNode("c", on: bus, .refuses),
        ]
        try await self.running(nodes) {
            let outcome = try await nodes[0].cluster.ask("disconnect", Self.body)
            #expect(outcome.reach.nodes.map(\.name) == ["a"])
            #expect(outcome.unanswered.map(\.name).sorted() == ["b", "c"])
            #expect(outcome.unanswered.first { $0.name == "b" }?.reason == "no answer within 2.0 seconds")
            #expect(outcome.unanswered.first { $0.name == "c" }?.reason == "method not found")
            #expect(outcome.reach.error?.code == 100)
        }
    }

    @Test func aNodeThatIsCutOffIsMissedUntilItCountsAsGone() async throws {
        let bus = SharedBus()
        let nodes = ["a", "b"].map { FakeNode($0, on: bus, timing: Self.impatient) }
        try await self.running(nodes) {
            bus.change { $0.cut = ["id-b"] }
            let outcome = try await nodes[0].cluster.ask("m", Self.body)
            #expect(outcome.unanswered.map(\.node) == ["id-b"])
            // The other side knows as little.
            let other = try await nodes[1].cluster.ask("m", Self.body)
            #expect(other.unanswered.map(\.reason) == ["the bus is unavailable"])
            #expect(other.reach.nodes.map(\.name) == ["b"])
            bus.change { $0.cut = [] }
            #expect(try await nodes[0].cluster.ask("m", Self.body).unanswered.isEmpty)
        }
    }

    @Test func aNodeKnowsThatItIsCutOff() {
        let bus = SharedBus()
        let (node, other) = (FakeNode("a", on: bus), FakeNode("b", on: bus))
        #expect(!node.cluster.isCutOff)
        bus.change { $0.cut = ["id-a"] }
        #expect(node.cluster.isCutOff && !other.cluster.isCutOff)
        bus.change { $0.cut = [] }
        #expect(!node.cluster.isCutOff)
    }

    @Test func ofTwoWithOneNameItIsWarnedOnce() async throws {
        let bus = SharedBus()
        let nodes = [FakeNode("a", on: bus), FakeNode("a", id: "twin", on: bus), FakeNode("b", on: bus)]
        try await self.running(nodes) {
            for node in nodes { #expect(await eventually { !node.log.warnings.isEmpty }) }
            // Some announcements later.
            let announced = bus.broadcasts(of: "twin")
            #expect(await eventually { bus.broadcasts(of: "twin") > announced + 5 })
            for node in nodes {
                let warnings = node.log.warnings
                #expect(warnings.count == 1 && warnings[0].contains("node.name") && warnings[0].hasSuffix(" name=a"))
            }
        }
    }

    @Test func whoHearsNothingDoesNotTakeItselfForAll() async throws {
        let bus = SharedBus()
        let alone = FakeNode("a", on: bus, timing: Self.impatient)
        try await self.running([alone]) {
            bus.change { $0.deaf = ["id-a"] }
            let outcome = try await alone.cluster.ask("m", Self.body)
            #expect(outcome.reach.nodes.map(\.name) == ["a"])
            #expect(outcome.unanswered.map(\.name) == ["other nodes"])
            bus.change { $0.cut = ["id-a"] }
            #expect(
                try await alone.cluster.ask("m", Self.body).unanswered.map(\.reason) == ["the bus is unavailable"])
        }
    }

    @Test func aNodeWaitsForItselfBeforeItHeardOfItself() async throws {
        let node = FakeNode("a", on: SharedBus(), .hangs, timing: Self.impatient)
        let outcome = try await node.cluster.ask("m", Self.body)
        #expect(outcome.unanswered.map(\.node) == ["id-a"])
    }

    @Test func whoMayNotKnowAllSaysSo() async throws {
        let bus = SharedBus()
        let node = FakeNode("a", on: bus, timing: Self.impatient)
        try await self.running([node]) {
            var member = node.member
            for index in 2...MemberMemory.membersMax {
                member.id = "\(index)"
                node.cluster.membership.heard(member)
            }
            let outcome = try await node.cluster.ask("m", Self.body)
            #expect(outcome.unanswered.count == MemberMemory.membersMax)
            #expect(outcome.unanswered.last?.name == "other nodes")
        }
    }

    @Test func aNodeThatEndsSaysGoodbye() async throws {
        let bus = SharedBus()
        let (staying, leaving) = (FakeNode("a", on: bus), FakeNode("b", on: bus, .hangs))
        let tasks = [staying, leaving].map { node in Task { await node.cluster.run() } }
        #expect(await eventually { staying.cluster.membership.seen().count == 2 })
        async let outcome = staying.cluster.ask("m", Self.body)
        #expect(await eventually { leaving.questions == ["m {}"] })
        tasks[1].cancel()
        // What was on it has ended with it, so nobody waits for it.
        #expect(try await outcome.unanswered.isEmpty)
        #expect(staying.cluster.membership.seen().map(\.member.name) == ["a"])
        tasks[0].cancel()
    }

    @Test func aNodeThatComesKnowsTheOthersAtOnce() async throws {
        let bus = SharedBus()
        let slow = Cluster.Timing(
            announceInterval: .seconds(60), settleTime: .milliseconds(50), answerTime: .seconds(20))
        let first = FakeNode("a", on: bus, timing: slow)
        let running = Task { await first.cluster.run() }
        #expect(await eventually { first.cluster.membership.seen().count == 1 })
        let second = FakeNode("b", on: bus, timing: slow)
        let alsoRunning = Task { await second.cluster.run() }
        // Long before the next announcement is due.
        #expect(await eventually { second.cluster.membership.seen().count == 2 })
        let outcome = try await second.cluster.ask("m", Self.body)
        #expect(outcome.reach.nodes.map(\.name) == ["a", "b"])
        running.cancel()
        alsoRunning.cancel()
    }

    @Test func manyWhoComeAtOnceAreAnsweredTogether() async throws {
        let bus = SharedBus()
        let slow = Cluster.Timing(announceInterval: .seconds(3_600))
        let node = FakeNode("a", on: bus, timing: slow)
        let running = Task { await node.cluster.run() }
        #expect(await eventually { node.cluster.membership.seen().count == 1 })
        let announced = bus.broadcasts(of: "id-a")
        // They hear nothing of each other: only what this node does is looked at.
        let crowd = (0..<200).map { FakeNode("\($0)", on: bus) }
        for other in crowd { node.cluster.received(other.member, isHello: true) }
        for other in crowd {
            #expect(await eventually { other.cluster.membership.seen().map(\.member.name) == ["a"] })
        }
        // Whoever has come was greeted; in far fewer messages than there are nodes, however slow the machine is.
        let (together, alone) = (bus.broadcasts(of: "id-a") - announced, bus.sent(by: "id-a"))
        #expect(together >= 1 && together + alone < 100, "\(together) to all, \(alone) to one")
        running.cancel()
    }
}

@Suite("How those who come are answered")
struct GreetingsTests {
    @Test func fewAreAnsweredAloneAndManyTogether() {
        var greetings = Greetings()
        let first = (0..<1_000).map { _ in greetings.came(at: 5) }
        #expect(first.prefix(Greetings.aloneMax).allSatisfy { $0 == .alone })
        #expect(first[Greetings.aloneMax] == .together)
        #expect(first.dropFirst(Greetings.aloneMax + 1).allSatisfy { $0 == .none })
        // Who comes after the answer needs another; and none is owed to anybody for longer than that.
        greetings.gathered()
        #expect(greetings.came(at: 6) == .together && greetings.came(at: 7) == .none)
        greetings.gathered()
        #expect(greetings.came(at: 5 + Greetings.interval) == .alone)
    }
}

@Suite("Who is heard of")
struct MembershipTests {
    private func member(_ id: String) -> ClusterMember {
        ClusterMember(id: id, name: id, version: "", startedAt: 0, connections: 0, capacity: 0, state: "")
    }

    @Test func isThereForAWhile() {
        let membership = Membership()
        membership.heard(self.member("a"), at: 0)
        membership.heard(self.member("b"), at: 0)
        membership.heard(self.member("a"), at: 5_000_000_000)
        #expect(membership.seen(at: 10_000_000_000).map(\.member.id) == ["a", "b"])
        let later = membership.seen(at: 10_000_000_001)
        #expect(later.map(\.member.id) == ["a"] && later.first?.first == 0 && later.first?.last == 5_000_000_000)
        membership.left("a")
        #expect(membership.seen(at: 10_000_000_001).isEmpty)
    }

    @Test func whoFellSilentIsMissedForAWhileAndNewWhenItIsBack() {
        let membership = Membership()
        let second: Int64 = 1_000_000_000
        for id in ["a", "b", "c"] { membership.heard(self.member(id), at: 0) }
        membership.left("c")
        membership.heard(self.member("a"), at: 20 * second)
        #expect(membership.view(at: 20 * second).seen.map(\.member.id) == ["a"])
        #expect(membership.view(at: 20 * second).recent == 2 && !membership.knows("b", at: 20 * second))
        // Stopped for a while, and heard of again.
        membership.heard(self.member("b"), at: 25 * second)
        #expect(membership.seen(at: 25 * second).map(\.first) == [20 * second, 25 * second])
        #expect(membership.view(at: 400 * second).recent == 0)
    }

    @Test func whoFellSilentWithoutAGoodbyeIsLostForAWhile() {
        let second: Int64 = 1_000_000_000
        func member(_ id: String, name: String) -> ClusterMember {
            var member = self.member(id)
            member.name = name
            return member
        }
        let membership = Membership()
        for name in ["a", "b", "c", "d"] { membership.heard(member("\(name)1", name: name), at: 0) }
        membership.left("a1")
        #expect(membership.lost(at: 5 * second).isEmpty)
        #expect(membership.lost(at: 11 * second).map(\.member.id) == ["b1", "c1", "d1"])
        // Back again, or started again under its name.
        membership.heard(member("b1", name: "b"), at: 12 * second)
        membership.heard(member("c2", name: "c"), at: 12 * second)
        #expect(membership.lost(at: 13 * second).map(\.member.id) == ["d1"])
        membership.left("d1")
        #expect(membership.lost(at: 13 * second).isEmpty)
        #expect(membership.lost(at: 30 * second).map(\.member.id) == ["b1", "c1", "c2"])
        #expect(membership.lost(at: 12 * second + MemberMemory.recentMax + second).isEmpty)
        membership.heard(member("e1", name: "e"), at: 400 * second)
        membership.heard(member("f1", name: "f"), at: 420 * second)
        #expect(membership.lost(at: 420 * second).map(\.member.id) == ["e1"])
    }

    @Test func whoBearsTheNameOfALostOneIsNotItsSuccessor() {
        let second: Int64 = 1_000_000_000
        func node(_ id: String, up uptime: Double) -> ClusterMember {
            ClusterMember(
                id: id, name: "node", version: "", startedAt: 0, uptime: uptime, connections: 0, capacity: 0, state: "")
        }
        let membership = Membership()
        for id in ["a", "b", "c", "d"] { membership.heard(node(id, up: 60), at: 0) }
        membership.heard(node("a", up: 80), at: 20 * second)
        #expect(membership.lost(at: 20 * second).map(\.member.id) == ["b", "c", "d"])
        #expect(membership.view(at: 20 * second).recent == 4)
        // Started when the others had been heard of for the last time.
        membership.heard(node("e", up: 5), at: 21 * second)
        #expect(membership.lost(at: 21 * second).isEmpty && membership.view(at: 21 * second).recent == 2)
        // An announcement that was long under way makes its sender younger only until the next one.
        membership.heard(node("a", up: 80), at: 25 * second)
        membership.heard(node("a", up: 86), at: 26 * second)
        membership.left("e")
        #expect(membership.lost(at: 26 * second).map(\.member.id) == ["b", "c", "d"])
    }

    @Test func namesakesAreThoseWhoLiveTogether() {
        let second: Int64 = 1_000_000_000
        func node(_ id: String, _ name: String) -> ClusterMember {
            ClusterMember(id: id, name: name, version: "", startedAt: 0, connections: 0, capacity: 0, state: "")
        }
        let membership = Membership()
        membership.heard(node("a1", "a"), at: 0)
        membership.heard(node("b1", "b"), at: 0)
        membership.heard(node("a2", "a"), at: second)
        // Nothing was heard of the first since: it may have been started again.
        #expect(membership.namesakes(at: second).isEmpty)
        membership.heard(node("a2", "a"), at: 3 * second)
        #expect(membership.namesakes(at: 3 * second).isEmpty)
        membership.heard(node("a1", "a"), at: 4 * second)
        #expect(membership.namesakes(at: 4 * second) == ["a"])
        membership.left("a1")
        #expect(membership.namesakes(at: 4 * second).isEmpty)
    }

    @Test(arguments: [0, 3_600, -3_600, 1e300, -1e300])
    func theClocksOfOthersDoNotMatter(skew: Double) {
        let second: Int64 = 1_000_000_000
        func node(_ id: String, name: String, up uptime: Double) -> ClusterMember {
            ClusterMember(
                id: id, name: name, version: "", startedAt: 1_700_000_000 + skew - uptime, uptime: uptime,
                connections: 0, capacity: 0, state: "")
        }
        let membership = Membership()
        membership.heard(node("a", name: "a", up: 100), at: 0)
        membership.heard(node("b", name: "b", up: 100), at: 0)
        membership.heard(node("a", name: "a", up: 110), at: 10 * second)
        #expect(membership.seen(at: 10 * second).map(\.last) == [10 * second, 0])
        #expect(membership.seen(at: 10 * second).map(\.startedAt) == [-100 * second, -100 * second])
        #expect(membership.seen(at: 11 * second).map(\.member.id) == ["a"])
        #expect(membership.lost(at: 11 * second).map(\.member.id) == ["b"])
        // Its successor, whatever time it takes it to be.
        membership.heard(node("b2", name: "b", up: 1), at: 12 * second)
        #expect(membership.lost(at: 12 * second).isEmpty && membership.view(at: 12 * second).recent == 2)
        #expect(!membership.knows("b", at: 12 * second) && membership.knows("b2", at: 12 * second))
    }

    @Test func isBounded() {
        let membership = Membership()
        for index in 0...MemberMemory.membersMax { membership.heard(self.member("\(index)"), at: 0) }
        #expect(membership.seen(at: 0).count == MemberMemory.membersMax)
        membership.heard(self.member("new"), at: 20_000_000_000)
        #expect(membership.seen(at: 20_000_000_000).map(\.member.id) == ["new"])
    }
}
