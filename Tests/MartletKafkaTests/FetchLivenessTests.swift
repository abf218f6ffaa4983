// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletKafka

@Suite struct FetchLivenessTests {
    private var liveness = FetchLiveness()

    private mutating func answering(_ brokers: Statistics.Broker...) throws -> Set<Int32> {
        self.liveness.answering(try ClientStatistics(json: Array(Statistics.json(brokers).utf8)))
    }

    @Test mutating func aSecondFetchShowsThatTheFirstWasAnswered() throws {
        #expect(try self.answering(.init(fetches: 4)) == [])
        // The one that was sent since may be the first after what was noted.
        #expect(try self.answering(.init(fetches: 5)) == [])
        #expect(try self.answering(.init(fetches: 6)) == [1])
        #expect(try self.answering(.init(fetches: 7)) == [1])
    }

    @Test mutating func oneFetchInFlightShowsNothing() throws {
        _ = try self.answering(.init(fetches: 4))
        #expect(try self.answering(.init(fetches: 9)) == [1])
        #expect(try self.answering(.init(fetches: 9)) == [])
        #expect(try self.answering(.init(fetches: 9)) == [])
        #expect(try self.answering(.init(fetches: 10)) == [1])
    }

    /// A broker that accepts connections and answers no fetch counts fetches too: one a connection.
    @Test mutating func newConnectionsShowNothing() throws {
        _ = try self.answering(.init(connects: 1, fetches: 1))
        for turn in 2..<10 { #expect(try self.answering(.init(connects: turn, fetches: turn)) == []) }
        #expect(try self.answering(.init(connects: 9, fetches: 9)) == [])
        #expect(try self.answering(.init(connects: 9, fetches: 10)) == [])
        #expect(try self.answering(.init(connects: 9, fetches: 11)) == [1])
    }

    @Test mutating func aBrokerThatIsNotUpAnswersNothing() throws {
        _ = try self.answering(.init(fetches: 1))
        #expect(try self.answering(.init(state: "CONNECT", fetches: 9)) == [])
        #expect(try self.answering(.init(fetches: 10)) == [])
        #expect(try self.answering(.init(fetches: 12)) == [1])
    }

    @Test mutating func brokersAreToldApart() throws {
        _ = try self.answering(.init(id: 1, fetches: 1), .init(id: 2, fetches: 1), .init(id: -1, fetches: 0))
        #expect(
            try self.answering(.init(id: 1, fetches: 9), .init(id: 2, fetches: 1), .init(id: -1, fetches: 9)) == [1])
    }

    @Test func whatIsNoStatisticsIsAnError() {
        for text in ["", "{", "[]", "{\"brokers\":1}", "{\"brokers\":{},\"topics\":{\"x\":{}}}"] {
            #expect(throws: (any Error).self) { try ClientStatistics(json: Array(text.utf8)) }
        }
    }
}
