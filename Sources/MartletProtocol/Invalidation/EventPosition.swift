// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Where a log keeps an event, as text `kafka:<topic>:<partition>:<offset>` or `redis:<milliseconds>-<sequence>`.
///
/// Whoever has read the log beyond it has the event.
package enum EventPosition: Hashable, Sendable, CustomStringConvertible {
    case kafka(topic: String, partition: Int32, offset: Int64)
    case redis(StreamID)

    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("kafka", 4):
            guard !parts[1].isEmpty, let partition = Int32(parts[2]), partition >= 0, let offset = Int64(parts[3]),
                offset >= 0
            else { return nil }
            self = .kafka(topic: parts[1], partition: partition, offset: offset)
        case ("redis", 2):
            guard let id = StreamID(parts[1]) else { return nil }
            self = .redis(id)
        default: return nil
        }
    }

    package var description: String {
        switch self {
        case .kafka(let topic, let partition, let offset): "kafka:\(topic):\(partition):\(offset)"
        case .redis(let id): "redis:\(id)"
        }
    }
}
