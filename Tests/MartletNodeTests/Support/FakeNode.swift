// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletInstruments
import MartletProtocol
import Synchronization

@testable import MartletNode

/// A member of a cluster that counts what it is asked, and answers as it is told to.
final class FakeNode: ClusterDelegate {
    enum Manner: Sendable {
        case answers(Int)
        case refuses
        /// Answers after an hour.
        case hangs
    }

    let cluster: Cluster
    let log = RecordedLog()
    private let name: String
    private let manner: Mutex<Manner>
    private let asked = Mutex<[String]>([])

    init(
        _ name: String, id: String? = nil, on bus: SharedBus, _ manner: Manner = .answers(1),
        timing: Cluster.Timing = .init(
            announceInterval: .milliseconds(100), settleTime: .milliseconds(50), answerTime: .seconds(20))
    ) {
        self.name = name
        self.manner = Mutex(manner)
        let id = id ?? "id-\(name)"
        self.cluster = Cluster(
            id: id, bus: SharedBus.End(bus, node: id), timing: timing, metrics: MetricsRegistry(),
            logger: self.log.logger)
        self.cluster.attach(self)
        bus.connect(self.cluster)
    }

    var questions: [String] { self.asked.withLock { $0 } }

    var member: ClusterMember {
        ClusterMember(
            id: self.cluster.id, name: self.name, version: "1", startedAt: 0, connections: 0, capacity: 1,
            state: "ready")
    }

    func answer(_ method: String, _ body: [UInt8]) async throws(APIError) -> NodeAnswer {
        self.asked.withLock { $0.append("\(method) \(String(decoding: body, as: UTF8.self))") }
        switch self.manner.withLock({ $0 }) {
        case .answers(let count): return NodeAnswer(count: count)
        case .refuses: throw APIError(.methodNotFound)
        case .hangs:
            try? await Task.sleep(for: .seconds(3_600))
            throw APIError(.notAvailable)
        }
    }
}
