// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The command line of the test broker.
struct BrokerOptions {
    struct Topic {
        var name: String
        var partitions: Int32
    }

    struct Failure: Error {
        var text: String
    }

    static let usage = "usage: kafka-broker [--brokers N] [--topic NAME:PARTITIONS]... [--exit-on-eof]"

    var brokers: Int32 = 1
    var topics: [Topic] = []
    /// Whether the end of stdin ends the broker.
    var exitsOnEOF = false

    init(_ arguments: [String]) throws(Failure) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--exit-on-eof": self.exitsOnEOF = true
            case "--brokers":
                guard let brokers = rest.popFirst().flatMap({ Int32($0) }), (1...100).contains(brokers) else {
                    throw Failure(text: "--brokers takes a number from 1 to 100")
                }
                self.brokers = brokers
            case "--topic":
                let parts = rest.popFirst()?.split(separator: ":") ?? []
                guard parts.count == 2, let partitions = Int32(parts[1]), (1...1_000).contains(partitions) else {
                    throw Failure(text: "--topic takes NAME:PARTITIONS")
                }
                self.topics.append(Topic(name: String(parts[0]), partitions: partitions))
            default: throw Failure(text: "unknown option \(argument)")
            }
        }
    }
}
