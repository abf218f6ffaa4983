// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What a connection is subscribed to and what must still be said to Redis, in order; what replies on it mean; and
/// whether it lives.
package struct RedisSubscriberStateMachine {
    package enum Operation: Hashable, Sendable {
        case subscribe, unsubscribe
    }

    /// Channels that go in one command.
    package struct Batch: Equatable, Sendable {
        package var operation: Operation
        package var channels: [String]

        package init(operation: Operation, channels: [String]) {
            self.operation = operation
            self.channels = channels
        }
    }

    package enum Received: Equatable, Sendable {
        case message(channel: [UInt8], payload: [UInt8])
        /// With `restored`, this was the last of what was subscribed when the connection opened.
        case subscribed(String, restored: Bool)
        case unsubscribed(String)
        case fail(RedisError)
        case none
    }

    package enum KeepAlive: Equatable, Sendable {
        /// Send PING and look again after the time for its answer.
        case ask
        /// It lives; look again after the interval.
        case rest
        case fail
        /// There is no connection.
        case none
    }

    private static let message = Array("message".utf8)

    private let batchMax: Int
    private let windowMax: Int
    private var channels: Set<String> = []
    private var isOpen = false
    private var queue = CircularBuffer<(operation: Operation, channel: String)>()
    private var unacknowledged = 0
    /// Acknowledgements that are missing until all is as it was before the connection; zero afterwards.
    private var restoring = 0
    private var isAsked = false
    private var wasHeard = false

    /// - Parameters:
    ///   - batchMax: Channels in one command.
    ///   - windowMax: Channels that may wait for acknowledgement: it bounds what is written ahead of Redis' answers.
    package init(batchMax: Int, windowMax: Int) {
        self.batchMax = batchMax
        self.windowMax = windowMax
    }

    package var count: Int { self.channels.count }

    /// Subscribed, and subscribed again after every outage, until unsubscribed. While there is a connection something
    /// may now be due.
    package mutating func subscribe(_ channel: String) {
        guard self.channels.insert(channel).inserted, self.isOpen else { return }
        self.queue.append((.subscribe, channel))
    }

    package mutating func unsubscribe(_ channel: String) {
        guard self.channels.remove(channel) != nil, self.isOpen else { return }
        self.queue.append((.unsubscribe, channel))
    }

    /// True where there was nothing to restore.
    package mutating func opened() -> Bool {
        self.isOpen = true
        self.isAsked = false
        self.queue.reserveCapacity(self.channels.count)
        for channel in self.channels { self.queue.append((.subscribe, channel)) }
        self.restoring = self.channels.count
        return self.restoring == 0
    }

    package mutating func closed() {
        self.isOpen = false
        self.queue.removeAll()
        self.unacknowledged = 0
        self.restoring = 0
    }

    /// The next command to send: what stands first in line and all after it that is of the same kind.
    package mutating func nextBatch() -> Batch? {
        guard let first = self.queue.first, self.unacknowledged < self.windowMax else { return nil }
        var batch = Batch(operation: first.operation, channels: [])
        while let next = self.queue.first, next.operation == batch.operation, batch.channels.count < self.batchMax {
            batch.channels.append(next.channel)
            self.queue.removeFirst()
        }
        self.unacknowledged += batch.channels.count
        return batch
    }

    package mutating func received(_ reply: RESPValue) -> Received {
        self.wasHeard = true
        switch reply {
        case .array(let parts):
            return self.received(parts)
        case .status("PONG"):
            return .none
        case .error(let text):
            return .fail(.refused(text))
        case .status, .integer, .bytes, .null:
            return .fail(.violation("a reply that is none to a subscriber"))
        }
    }

    /// The interval, or the time for an answer, passed.
    package mutating func keepAliveDue() -> KeepAlive {
        guard self.isOpen else { return .none }
        if self.isAsked {
            // Anything will do: an answer may stand behind many messages.
            self.isAsked = false
            return self.wasHeard ? .rest : .fail
        }
        self.isAsked = true
        self.wasHeard = false
        return .ask
    }

    private mutating func received(_ parts: [RESPValue]) -> Received {
        guard case .bytes(let kind)? = parts.first else {
            return .fail(.violation("an array that is none to a subscriber"))
        }
        if kind == Self.message, parts.count == 3, case .bytes(let channel) = parts[1], case .bytes(let data) = parts[2]
        {
            return .message(channel: channel, payload: data)
        }
        switch String(decoding: kind, as: UTF8.self) {
        case "subscribe":
            guard parts.count == 3, let channel = parts[1].text else { break }
            self.unacknowledged -= 1
            guard self.restoring > 0 else { return .subscribed(channel, restored: false) }
            self.restoring -= 1
            return .subscribed(channel, restored: self.restoring == 0)
        case "unsubscribe":
            guard parts.count == 3, let channel = parts[1].text else { break }
            self.unacknowledged -= 1
            return .unsubscribed(channel)
        case "pong":
            return .none
        default:
            break
        }
        return .fail(.violation("an array that is none to a subscriber"))
    }
}
