// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Lets one error of a kind through in a while, so that an outage is a few lines and not a flood.
struct ErrorLimiter {
    private struct Kind: Hashable {
        var code: KafkaError.Code
        var name: String
        var topic: Int?
    }

    private let interval: Int64
    private var toldAt: [Kind: Int64] = [:]

    init(interval: Duration = .seconds(10)) { self.interval = interval.nanoseconds }

    /// - Parameter now: Monotonic nanoseconds.
    mutating func admits(_ error: KafkaError, topic: Int?, now: Int64) -> Bool {
        let kind = Kind(code: error.code, name: error.name, topic: topic)
        if let toldAt = self.toldAt[kind], now - toldAt < self.interval { return false }
        self.toldAt[kind] = now
        return true
    }
}
