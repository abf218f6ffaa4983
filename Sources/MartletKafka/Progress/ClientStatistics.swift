// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What Martlet reads of the statistics that librdkafka tells of itself.
struct ClientStatistics: Decodable {
    struct Broker: Decodable {
        var id: Int32
        var state: String
        /// Connections begun so far.
        var connects: Int
        /// Requests sent so far, by kind.
        var requests: [String: Int]

        enum CodingKeys: String, CodingKey {
            case id = "nodeid"
            case state, connects
            case requests = "req"
        }
    }

    struct Topic: Decodable {
        /// By number; `-1` stands for records without a partition.
        var partitions: [String: Partition]
    }

    struct Partition: Decodable {
        var number: Int32
        /// The broker it is fetched from; negative when there is none.
        var broker: Int32
        /// Not among those that the brokers know.
        var isUnknown: Bool
        var fetchState: String
        /// The end as the last fetch answer told it; negative when none did.
        var high: Int64

        enum CodingKeys: String, CodingKey {
            case number = "partition"
            case broker
            case isUnknown = "unknown"
            case fetchState = "fetch_state"
            case high = "hi_offset"
        }
    }

    var brokers: [String: Broker]
    var topics: [String: Topic]

    init(json: [UInt8]) throws {
        self = try JSONDecoder().decode(ClientStatistics.self, from: Data(json))
    }
}
