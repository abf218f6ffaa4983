// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletKafka

@Suite struct ErrorLimiterTests {
    @Test func oneOfAKindInAWhile() {
        var limiter = ErrorLimiter(interval: .seconds(10))
        let error = KafkaError(.unavailable, name: "_TRANSPORT", "one text")
        var other = error
        other.text = "another text"
        let second: Int64 = 1_000_000_000
        let admitted = [
            limiter.admits(error, topic: nil, now: 0),
            limiter.admits(other, topic: nil, now: 9 * second),
            limiter.admits(error, topic: 3, now: 9 * second),
            limiter.admits(KafkaError(.timedOut, "x"), topic: nil, now: 9 * second),
            limiter.admits(other, topic: nil, now: 10 * second),
            limiter.admits(other, topic: nil, now: 11 * second),
        ]
        #expect(admitted == [true, false, true, true, true, false])
    }
}
