// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub

/// The bus as tests like to ask it.
extension Bus {
    func publish(
        _ text: String, _ channel: String, _ options: PublishOptions
    ) async -> Result<StreamPosition?, BusError> {
        await withCheckedContinuation { continuation in
            self.publish(Publication(channel: channel, data: Array(text.utf8)), options) {
                continuation.resume(returning: $0)
            }
        }
    }

    /// The position that a publication got; nil also where it was not published.
    func publish(_ text: String, _ channel: String, history: HistoryOptions) async -> StreamPosition? {
        guard case .success(let position) = await self.publish(text, channel, PublishOptions(history: history)) else {
            return nil
        }
        return position
    }

    func history(_ channel: String, _ query: HistoryQuery) async throws -> HistoryPage {
        try await withCheckedContinuation { continuation in
            self.history(channel, query) { continuation.resume(returning: $0) }
        }.get()
    }

    func removeHistory(_ channel: String) async -> BusError? {
        await withCheckedContinuation { continuation in
            self.removeHistory(channel) { continuation.resume(returning: $0) }
        }
    }

    func renewStream(_ channel: String, from epoch: String) async -> BusError? {
        await withCheckedContinuation { continuation in
            self.renewStream(channel, from: epoch) { continuation.resume(returning: $0) }
        }
    }

    func presence(_ channel: String) async throws -> [PresenceEntry] {
        try await withCheckedContinuation { continuation in
            self.presence(channel) { continuation.resume(returning: $0) }
        }.get()
    }

    func presenceStats(_ channel: String) async throws -> PresenceStats {
        try await withCheckedContinuation { continuation in
            self.presenceStats(channel) { continuation.resume(returning: $0) }
        }.get()
    }

    func send(_ text: String, to node: String) async -> Result<Bool, BusError> {
        await withCheckedContinuation { continuation in
            self.send(Array(text.utf8), to: node) { continuation.resume(returning: $0) }
        }
    }
}

extension HistoryPage {
    var texts: [String] { self.publications.map { String(decoding: $0.data, as: UTF8.self) } }
    var offsets: [UInt64?] { self.publications.map(\.offset) }
}
