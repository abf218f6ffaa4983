// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletInstruments
import MartletKafka
import MartletProtocol
import Synchronization
import TestSupport
import Testing

@testable import MartletNode

@Suite("Records that could not be read")
struct DeadLettersTests {
    private struct Copy: Equatable, Sendable {
        var topic: String
        var key: [UInt8]?
        var value: [UInt8]?
        var headers: [KafkaHeader]
    }

    private final class Rig: Sendable {
        let copies = Mutex<[Copy]>([])
        let isHeld = Atomic<Bool>(false)
        let isAway = Atomic<Bool>(false)
        let registry = MetricsRegistry()

        func letters(isResponsible: Bool = true) -> DeadLetters {
            DeadLetters(
                node: "n1", metrics: self.registry, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                isResponsible: { isResponsible },
                produce: { topic, key, value, headers throws(KafkaError) in
                    while self.isHeld.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(1)) }
                    if self.isAway.load(ordering: .relaxed) { throw KafkaError(.unavailable, "away") }
                    self.copies.withLock {
                        $0.append(Copy(topic: topic, key: key, value: value, headers: headers))
                    }
                })
        }

        func count(_ outcome: String) -> Int {
            let line = "martlet_dead_letters_total{outcome=\"\(outcome)\"} "
            let found = self.registry.exposition().split(separator: "\n").first { $0.hasPrefix(line) }
            return found.flatMap { Int($0.dropFirst(line.count)) } ?? -1
        }
    }

    private static let letter = DeadLetters.Letter(
        topic: "events", partition: 2, offset: 7, timestamp: 1_700_000_000_000, reason: .malformed)

    private static func send(_ letters: DeadLetters, value: [UInt8]?) {
        let key = Array("k".utf8)
        letters.copy(Self.letter, key: key.span, value: value?.span, to: "dead")
    }

    @Test func aCopySaysWhereItComesFromAndWhy() async {
        let rig = Rig()
        let letters = rig.letters()
        Self.send(letters, value: Array("{".utf8))
        #expect(await eventually { rig.copies.withLock { $0.count } == 1 })
        let headers = [
            KafkaHeader("martlet-reason", "malformed"), KafkaHeader("martlet-topic", "events"),
            KafkaHeader("martlet-partition", "2"), KafkaHeader("martlet-offset", "7"),
            KafkaHeader("martlet-timestamp", "1700000000000"), KafkaHeader("martlet-node", "n1"),
        ]
        let copy = Copy(topic: "dead", key: Array("k".utf8), value: Array("{".utf8), headers: headers)
        #expect(rig.copies.withLock { $0 } == [copy])
        Self.send(letters, value: nil)
        #expect(await eventually { rig.count("written") == 2 })
        #expect(rig.copies.withLock { $0.last?.value } == nil)
    }

    @Test func longValuesAreCut() async {
        let rig = Rig()
        Self.send(rig.letters(), value: [UInt8](repeating: 120, count: 10_000_000))
        #expect(await eventually { rig.count("written") == 1 })
        let copy = rig.copies.withLock { $0.first }
        #expect(copy?.value?.count == DeadLetters.bytesMax)
        #expect(copy?.headers.last == KafkaHeader("martlet-value-bytes", "10000000"))
    }

    @Test func brokersThatAreAwayHoldNothingUp() async {
        let rig = Rig()
        let letters = rig.letters()
        rig.isHeld.store(true, ordering: .relaxed)
        for _ in 0..<(DeadLetters.inFlightMax + 5) { Self.send(letters, value: []) }
        #expect(rig.count("dropped") == 5)
        rig.isAway.store(true, ordering: .relaxed)
        rig.isHeld.store(false, ordering: .relaxed)
        #expect(await eventually { rig.count("failed") == DeadLetters.inFlightMax })
        rig.isAway.store(false, ordering: .relaxed)
        Self.send(letters, value: [])
        #expect(await eventually { rig.count("written") == 1 })
    }

    @Test func onlyWhoIsResponsibleCopies() async {
        let (other, rig) = (Rig(), Rig())
        Self.send(other.letters(isResponsible: false), value: [])
        Self.send(rig.letters(), value: [])
        #expect(await eventually { rig.count("written") == 1 })
        #expect(other.count("written") == 0 && other.count("dropped") == 0 && other.count("failed") == 0)
    }
}
