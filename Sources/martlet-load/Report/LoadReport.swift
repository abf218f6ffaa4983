// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The outcome of a run: the JSON line, and what the table shows.
struct LoadReport: Codable, Sendable {
    struct Latency: Codable, Sendable {
        var count: Int
        var p50: Int
        var p90: Int
        var p99: Int
        var max: Int

        /// Nil where nothing was measured.
        init?(_ histogram: LatencyHistogram) {
            guard let p50 = histogram.quantile(0.5), let p90 = histogram.quantile(0.9),
                let p99 = histogram.quantile(0.99)
            else { return nil }
            self.count = histogram.count
            self.p50 = p50
            self.p90 = p90
            self.p99 = p99
            self.max = histogram.largest
        }
    }

    struct Publishing: Codable, Sendable {
        var published: Int
        var failed: Int
        var lastFailure: String?
        var answerMicroseconds: Latency?
    }

    var kind: ClientKind
    var clients: Int
    var opened: Int
    var openAtEnd: Int
    var seconds: Double
    var refused: [String: Int]
    var closed: [String: Int]
    var messages: Int
    var bytes: Int
    var pings: Int
    var gaps: Int
    var books: ChannelBook
    /// Channels whose books do not balance, at most a hundred.
    var unbalanced: [String: ChannelBook]
    var isBalanced: Bool
    var latencyMicroseconds: Latency?
    var connectMicroseconds: Latency?
    var publishing: Publishing?
    /// From the sending of a revocation to the close at each client it ends.
    var eventToCloseMicroseconds: Latency?
    var samples: [ServerSample]
    var cpuMicrosecondsPerConnect: Double?
    var cpuMicrosecondsPerDelivery: Double?
    var userMicrosecondsPerDelivery: Double?
    /// Between the first and the last sample with clients.
    var pssBytesPerClient: Double?
    var anonymousBytesPerClient: Double?

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
