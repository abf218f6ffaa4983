// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Tells from the statistics which brokers have answered a fetch since they were last looked at.
///
/// There is no counter of answers, but a broker has at most one fetch in flight on a connection: of those sent on it,
/// all but the last were answered. Where the connection changed meanwhile nothing is concluded, since its first
/// fetches may be the ones that nobody answers.
struct FetchLiveness {
    private struct Connection {
        var connects: Int
        /// Fetches known to be done with.
        var done: Int
    }

    private var connections: [Int32: Connection] = [:]

    mutating func answering(_ statistics: ClientStatistics) -> Set<Int32> {
        var answering: Set<Int32> = []
        for broker in statistics.brokers.values where broker.id >= 0 {
            let sent = broker.requests["Fetch"] ?? 0
            guard broker.state == "UP", let known = self.connections[broker.id], known.connects == broker.connects
            else {
                self.connections[broker.id] = Connection(connects: broker.connects, done: sent)
                continue
            }
            if sent - 1 > known.done {
                answering.insert(broker.id)
                self.connections[broker.id]?.done = sent - 1
            }
        }
        return answering
    }
}
