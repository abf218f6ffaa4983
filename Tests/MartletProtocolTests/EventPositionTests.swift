// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

@Suite("Places of events in logs")
struct EventPositionTests {
    @Test(arguments: [
        EventPosition.kafka(topic: "session-events", partition: 3, offset: 17),
        .kafka(topic: "a.b_c", partition: 0, offset: .max),
        .redis(StreamID(milliseconds: 1_700_000_000_000, sequence: 0)), .redis(.zero),
    ])
    func isReadBack(position: EventPosition) {
        #expect(EventPosition(position.description) == position)
    }

    @Test(arguments: [
        "", "kafka", "kafka:", "kafka:t:0", "kafka::0:1", "kafka:t:-1:1", "kafka:t:0:-1", "kafka:t:0:1:2", "redis:",
        "redis:1", "redis:1-", "redis:1-2-3", "redis:-1-2", "1-0", "6f1c0d3e-0000-0000-0000-000000000000",
        "kafka:t:99999999999:1", "redis:99999999999999999999999-0",
    ])
    func whatIsNoneIsNothing(text: String) {
        #expect(EventPosition(text) == nil)
    }

    @Test func identifiersAreOrderedByTimeAndNumber() {
        let ids = ["5-9", "6-0", "6-1", "10-0"].compactMap { StreamID($0) }
        #expect(ids == ids.shuffled().sorted() && ids.count == 4)
    }
}
