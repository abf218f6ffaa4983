// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What can be done to the cluster while it serves.
enum BrokerCommand {
    case topic(String, partitions: Int32)
    /// Connections drop and new ones are refused; the log is kept.
    case down(broker: Int32)
    case up(broker: Int32)
    /// The next `count` requests of a kind are answered with an error.
    case errors(apiKey: Int16, code: Int32, count: Int)
    case roundTripTime(broker: Int32, milliseconds: Int32)
    case leader(topic: String, partition: Int32, broker: Int32)

    init?(_ words: [String]) {
        switch (words.first, words.count) {
        case ("topic", 3):
            guard let partitions = Int32(words[2]), (1...1_000).contains(partitions) else { return nil }
            self = .topic(words[1], partitions: partitions)
        case ("down", 2):
            guard let broker = Int32(words[1]) else { return nil }
            self = .down(broker: broker)
        case ("up", 2):
            guard let broker = Int32(words[1]) else { return nil }
            self = .up(broker: broker)
        case ("errors", 4):
            guard let apiKey = Int16(words[1]), let code = Int32(words[2]), let count = Int(words[3]),
                (0...100_000).contains(count)
            else { return nil }
            self = .errors(apiKey: apiKey, code: code, count: count)
        case ("rtt", 3):
            guard let broker = Int32(words[1]), let milliseconds = Int32(words[2]) else { return nil }
            self = .roundTripTime(broker: broker, milliseconds: milliseconds)
        case ("leader", 4):
            guard let partition = Int32(words[2]), let broker = Int32(words[3]) else { return nil }
            self = .leader(topic: words[1], partition: partition, broker: broker)
        default: return nil
        }
    }
}
