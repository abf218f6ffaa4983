// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletHub
import MartletInstruments
import MartletKafka
import MartletProtocol
import MartletSessions
import Testing

@testable import MartletNode

@Suite("Where invalidations come in")
struct InvalidationIntakeTests {
    private struct Rig {
        let mailbox = Mailbox<ShardMessage>(dataMax: 16) {}
        let metrics: SessionMetrics
        let revocations: RevocationTable
        let intake: InvalidationIntake

        init(_ reader: InvalidationTopic.Reader = .martlet) {
            let registry = MetricsRegistry()
            self.metrics = SessionMetrics(registry)
            self.revocations = RevocationTable(max: 1_000, tokenLifetimeMax: .seconds(3_600), metrics: self.metrics)
            let hub = Hub(mailboxes: [self.mailbox], metrics: HubMetrics(registry)) { _ in }
            self.intake = InvalidationIntake(
                revocations: self.revocations, hub: hub, metrics: self.metrics,
                missedPush: MissedPush(grace: .seconds(5)), topics: [InvalidationTopic(name: "events", reader: reader)],
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        /// What the shards were told since the last time.
        func told() -> [Invalidation.Target] {
            var (control, data): ([ShardMessage], [ShardMessage]) = ([], [])
            self.mailbox.drain(control: &control, data: &data)
            return control.compactMap {
                if case .invalidate(let invalidation, _) = $0 { invalidation.target } else { nil }
            }
        }

        func receive(_ text: String?, key: String? = nil, age: Double = 0) {
            let time = Int64((Clock.wall - age) * 1_000)
            let record = KafkaRecord(topic: 0, partition: 0, offset: 7, timestamp: time)
            let (bytes, name) = (Array((text ?? "").utf8), Array((key ?? "").utf8))
            self.intake.received(
                record, key: key == nil ? nil : name.span, value: text == nil ? nil : bytes.span)
        }
    }

    private static func event(_ target: Invalidation.Target, age: Double = 0) -> String {
        let invalidation = Invalidation(id: "i", target: target, at: Clock.wall - age, source: .kafka)
        return String(decoding: InvalidationEncoder.martlet(invalidation), as: UTF8.self)
    }

    @Test func aReplayIsRememberedAndNotTold() {
        let rig = Rig()
        rig.receive(Self.event(.session("old"), age: 60), age: 60)
        #expect(rig.revocations.contains(.session("old")) && rig.told().isEmpty)
        rig.intake.occurred(.caughtUp)
        rig.receive(Self.event(.session("new")))
        #expect(rig.revocations.contains(.session("new")) && rig.told() == [.session("new")])
        // One that is known is told again.
        rig.receive(Self.event(.session("new")))
        #expect(rig.told() == [.session("new")])
    }

    /// In a replay it is one that no token can fall under any more; from somebody who sends it now, a wrong clock.
    @Test func anAncientEventIsOneOnlyInAReplay() {
        let rig = Rig()
        rig.receive(Self.event(.session("ancient"), age: 90_000), age: 90_000)
        #expect(!rig.revocations.contains(.session("ancient")) && rig.told().isEmpty)
        rig.intake.occurred(.caughtUp)
        rig.receive(Self.event(.session("ancient"), age: 90_000), age: 90_000)
        #expect(rig.revocations.contains(.session("ancient")) && rig.told() == [.session("ancient")])
    }

    @Test func badRecordsAreCountedAndStopNothing() {
        let rig = Rig()
        rig.intake.occurred(.caughtUp)
        for text in [nil, "", "{", "null", "{}", #"{"type":"session.revoked"}"#, #"{"type":"other","session":"s"}"#] {
            rig.receive(text)
        }
        #expect(rig.metrics.invalidationsBad.total == 7 && rig.told().isEmpty)
        rig.receive(Self.event(.token("t")))
        #expect(rig.told() == [.token("t")])
    }

    @Test func everyFormatIsRead() throws {
        let table = Rig(.table(SessionTable(field: JSONPath("state"), values: ["ended"])))
        table.intake.occurred(.caughtUp)
        table.receive(nil, key: "gone")
        table.receive(#"{"state":"ended"}"#, key: "out")
        table.receive(#"{"state":"alive"}"#, key: "in")
        table.receive(nil)
        #expect(table.told() == [.session("gone"), .session("out")])
        #expect(table.metrics.invalidationsIgnored.total == 1 && table.metrics.invalidationsBad.total == 1)
        let cloud = Rig(.cloudEvents)
        cloud.intake.occurred(.caughtUp)
        cloud.receive(
            #"{"specversion":"1.0","id":"e","source":"s","type":"session.revoked","data":{"session":"gone"}}"#)
        cloud.receive(#"{"specversion":"1.0","id":"e","source":"s","type":"order.made"}"#)
        #expect(cloud.told() == [.session("gone")] && cloud.metrics.invalidationsIgnored.total == 1)
    }

    @Test func otherSourcesAreToldBeforeKafkaHasCaughtUp() {
        let rig = Rig()
        rig.intake.take(Invalidation(id: "i", target: .token("t"), at: Clock.wall, source: .api))
        #expect(rig.told() == [.token("t")])
    }

    @Test func floorsOfTruncations() {
        func floor(_ cause: KafkaTruncation.Cause, first: Int64?) -> Int64? {
            let truncation = KafkaTruncation(topic: 0, partition: 0, cause: cause, firstRetained: first)
            return InvalidationIntake.floor(truncation, now: 5_000.9)
        }
        #expect(floor(.position, first: 1_234_567) == 1_234)
        #expect(floor(.horizon, first: 1_234_567) == 1_234)
        #expect(floor(.horizon, first: 4_102_444_800_000) == 5_000)
        #expect(floor(.position, first: nil) == 5_000)
        #expect(floor(.horizon, first: nil) == nil)
        let rig = Rig()
        rig.intake.occurred(.truncated(.init(topic: 0, partition: 0, cause: .horizon, firstRetained: nil)))
        #expect(rig.revocations.floor == nil)
        rig.intake.occurred(.truncated(.init(topic: 0, partition: 0, cause: .position, firstRetained: 9_000)))
        #expect(rig.revocations.floor == 9)
        rig.intake.occurred(.truncated(.init(topic: 0, partition: 0, cause: .horizon, firstRetained: 8_000)))
        #expect(rig.revocations.floor == 9)
    }
}
