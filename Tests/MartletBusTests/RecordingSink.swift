// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import Synchronization

/// A sink that remembers.
final class RecordingSink: BusSink {
    struct Delivery: Sendable {
        var publication: Publication
        var shards: ShardSet

        var text: String { String(decoding: self.publication.data, as: UTF8.self) }
    }

    struct Answer: Hashable, Sendable {
        var channel: String
        var shards: ShardSet
        var error: BusError?
    }

    struct Record: Sendable {
        var deliveries: [Delivery] = []
        var answers: [Answer] = []
        var gaps: [[String]?] = []
        var controls: [[UInt8]] = []
    }

    private let record = Mutex(Record())

    var deliveries: [Delivery] { self.record.withLock { $0.deliveries } }
    var answers: [Answer] { self.record.withLock { $0.answers } }
    var gaps: [[String]?] { self.record.withLock { $0.gaps } }
    var controls: [[UInt8]] { self.record.withLock { $0.controls } }
    /// What was delivered on one channel.
    func texts(_ channel: String) -> [String] {
        self.deliveries.filter { $0.publication.channel == channel }.map(\.text)
    }

    func deliver(_ publication: Publication, to shards: ShardSet) {
        self.record.withLock { $0.deliveries.append(Delivery(publication: publication, shards: shards)) }
    }

    func subscribed(_ channel: String, shards: ShardSet, error: BusError?) {
        self.record.withLock { $0.answers.append(Answer(channel: channel, shards: shards, error: error)) }
    }

    func gap(_ channels: [String]?) { self.record.withLock { $0.gaps.append(channels) } }
    func controlReceived(_ message: [UInt8]) { self.record.withLock { $0.controls.append(message) } }
}
