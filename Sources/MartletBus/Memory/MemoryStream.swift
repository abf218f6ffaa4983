// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import NIOCore

/// The stream of one channel: its latest publications, whose offsets have no holes, and where it stands.
struct MemoryStream: Sendable {
    /// What a publication takes beside its bytes, and a stream beside its publications.
    static let overhead = 160

    let channel: String
    private(set) var epoch: String
    private(set) var top: UInt64 = 0
    private(set) var publications = CircularBuffer<Publication>()
    /// What is kept takes about so much memory.
    private(set) var bytes: Int
    private var version: UInt64 = 0
    private var versionEpoch = ""
    /// When its publications go, and when its position goes too, in nanoseconds of `Clock.monotonic`.
    private(set) var publicationsEnd: Int64 = 0
    private(set) var end: Int64 = 0

    init(channel: String, epoch: String) {
        self.channel = channel
        self.epoch = epoch
        self.bytes = Self.overhead + channel.utf8.count
    }

    var position: StreamPosition { StreamPosition(offset: self.top, epoch: self.epoch) }

    /// When next there is something to forget.
    var nextEnd: Int64 { self.publications.isEmpty ? self.end : min(self.publicationsEnd, self.end) }

    /// Takes a publication, which is returned with its position; nil where a later version of it is there already.
    mutating func append(
        _ publication: Publication, _ history: HistoryOptions, version: UInt64, versionEpoch: String, now: Int64
    ) -> Publication? {
        self.keep(history, now: now)
        if version > 0 {
            if versionEpoch == self.versionEpoch, version <= self.version { return nil }
            self.version = version
            self.versionEpoch = versionEpoch
        }
        self.top += 1
        var publication = publication
        publication.offset = self.top
        publication.epoch = self.epoch
        self.publications.append(publication)
        self.bytes += Self.cost(publication)
        while self.publications.count > history.size { self.dropOldest() }
        self.publicationsEnd = now + min(history.ttl, StreamRules.ttlMax).nanoseconds
        return publication
    }

    /// It was used: its position lives on.
    mutating func keep(_ history: HistoryOptions, now: Int64) {
        self.end = max(self.end, now + StreamRules.positionTTL(history).nanoseconds)
    }

    mutating func expire(now: Int64) {
        if now >= self.publicationsEnd { self.removePublications() }
    }

    mutating func dropOldest() {
        guard let oldest = self.publications.popFirst() else { return }
        self.bytes -= Self.cost(oldest)
    }

    mutating func removePublications() {
        guard !self.publications.isEmpty else { return }
        self.publications = CircularBuffer()
        self.bytes = Self.overhead + self.channel.utf8.count
    }

    mutating func renew(epoch: String) {
        self.removePublications()
        self.epoch = epoch
        self.top = 0
    }

    func page(_ query: HistoryQuery) -> HistoryPage {
        HistoryPage(publications: self.publications(query), top: self.position)
    }

    private func publications(_ query: HistoryQuery) -> [Publication] {
        var kept = self.publications[...]
        if let since = query.since {
            guard since.epoch.isEmpty || since.epoch == self.epoch else { return [] }
            // The oldest that is kept has the offset top - count + 1.
            let before = self.top - UInt64(kept.count)
            if query.isReverse {
                kept = kept.prefix(since.offset > before ? Int(clamping: since.offset - 1 - before) : 0)
            } else {
                kept = kept.dropFirst(since.offset > before ? Int(clamping: since.offset - before) : 0)
            }
        }
        let limit = max(0, query.limit ?? kept.count)
        return query.isReverse ? Array(kept.suffix(limit).reversed()) : Array(kept.prefix(limit))
    }

    private static func cost(_ publication: Publication) -> Int {
        Self.overhead + publication.data.count + (publication.info?.count ?? 0) + (publication.tags?.count ?? 0)
    }
}
