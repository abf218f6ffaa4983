// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub

/// The streams of a node that is alone, within bounds: where there are too many, or they take too much memory, those go
/// that were used least lately, and begin again in a new epoch if they are used again.
///
/// Times are in nanoseconds of `Clock.monotonic`. What has expired is never given, and leaves memory with the next use
/// of any stream.
struct MemoryStreams: Sendable {
    private static let tick: Int64 = 1_000_000_000

    private let streamsMax: Int
    private let bytesMax: Int
    private let startedAt: Int64
    private var numbers: [String: Int32] = [:]
    private var streams: [MemoryStream?] = []
    private var free: [Int32] = []
    private var recency = RecencyList()
    /// When there is something of a stream to forget.
    private var wheel = TimerWheel(slots: 1024)
    private var expired: [Int32] = []
    /// What all of it takes.
    private(set) var bytes = 0
    private var evictions = 0

    init(streamsMax: Int, bytesMax: Int, now: Int64) {
        self.streamsMax = max(1, streamsMax)
        self.bytesMax = bytesMax
        self.startedAt = now
    }

    var count: Int { self.numbers.count }

    /// Streams that went before their time, since this was asked.
    mutating func takeEvictions() -> Int {
        defer { self.evictions = 0 }
        return self.evictions
    }

    /// Takes a publication: it with its position, or, where a later version of it is there already, the position alone.
    mutating func append(
        _ publication: Publication, _ history: HistoryOptions, _ options: PublishOptions, now: Int64
    ) -> (publication: Publication?, position: StreamPosition) {
        self.use(publication.channel, now: now) { stream in
            let taken = stream.append(
                publication, history, version: options.version, versionEpoch: options.versionEpoch, now: now)
            return (taken, stream.position)
        }
    }

    mutating func page(_ channel: String, _ query: HistoryQuery, now: Int64) -> HistoryPage {
        self.use(channel, now: now) { stream in
            stream.keep(query.history, now: now)
            return stream.page(query)
        }
    }

    mutating func removePublications(_ channel: String) {
        guard let number = self.numbers[channel] else { return }
        self.change(number) { $0.removePublications() }
    }

    mutating func renew(_ channel: String, from epoch: String) {
        guard let number = self.numbers[channel] else { return }
        self.change(number) { stream in
            if stream.epoch == epoch { stream.renew(epoch: StreamRules.makeEpoch()) }
        }
    }

    private mutating func use<Result>(
        _ channel: String, now: Int64, _ body: (inout MemoryStream) -> Result
    ) -> Result {
        self.sweep(now: now)
        let number = self.number(of: channel, now: now)
        let result = self.change(number) { stream in
            stream.expire(now: now)
            return body(&stream)
        }
        if let end = self.streams[Int(number)]?.nextEnd {
            self.wheel.schedule(number, at: self.tick(of: end, roundedUp: true))
        }
        self.recency.touch(number)
        self.makeRoom(for: number)
        return result
    }

    /// The stream of a channel, which is a new one where there is none, or none any more.
    private mutating func number(of channel: String, now: Int64) -> Int32 {
        if let number = self.numbers[channel] {
            if let stream = self.streams[Int(number)], now < stream.end { return number }
            self.remove(number)
        }
        let stream = MemoryStream(channel: channel, epoch: StreamRules.makeEpoch())
        let number = self.free.popLast() ?? Int32(self.streams.count)
        if Int(number) == self.streams.count { self.streams.append(stream) } else { self.streams[Int(number)] = stream }
        self.numbers[channel] = number
        self.bytes += stream.bytes
        return number
    }

    @discardableResult
    private mutating func change<Result>(_ number: Int32, _ body: (inout MemoryStream) -> Result) -> Result {
        // Taken out of its place, so that its buffer is not copied.
        guard var stream = self.streams[Int(number)] else { preconditionFailure("the number of a stream has one") }
        self.streams[Int(number)] = nil
        self.bytes -= stream.bytes
        defer {
            self.bytes += stream.bytes
            self.streams[Int(number)] = stream
        }
        return body(&stream)
    }

    private mutating func remove(_ number: Int32) {
        guard let stream = self.streams[Int(number)] else { return }
        self.wheel.cancel(number)
        self.recency.remove(number)
        self.numbers[stream.channel] = nil
        self.bytes -= stream.bytes
        self.streams[Int(number)] = nil
        self.free.append(number)
    }

    private mutating func makeRoom(for number: Int32) {
        while self.count > self.streamsMax || self.bytes > self.bytesMax {
            let oldest = self.recency.oldest
            guard oldest >= 0, oldest != number else { break }
            self.remove(oldest)
            self.evictions += 1
        }
        // A stream that alone is too large loses its oldest publications, but keeps its latest.
        guard self.bytes > self.bytesMax else { return }
        var excess = self.bytes - self.bytesMax
        self.change(number) { stream in
            while excess > 0, stream.publications.count > 1 {
                let before = stream.bytes
                stream.dropOldest()
                excess -= before - stream.bytes
            }
        }
    }

    private mutating func sweep(now: Int64) {
        let tick = self.tick(of: now, roundedUp: false)
        guard tick > self.wheel.now else { return }
        self.expired.removeAll(keepingCapacity: true)
        self.wheel.advance(to: tick, into: &self.expired)
        for number in self.expired {
            guard let stream = self.streams[Int(number)] else { continue }
            if now >= stream.end {
                self.remove(number)
            } else {
                let end = self.change(number) { stream in
                    stream.expire(now: now)
                    return stream.nextEnd
                }
                self.wheel.schedule(number, at: self.tick(of: end, roundedUp: true))
            }
        }
    }

    private func tick(of time: Int64, roundedUp: Bool) -> UInt32 {
        let tick = max(0, time - self.startedAt) / Self.tick
        return UInt32(clamping: roundedUp ? tick + 1 : tick)
    }
}
