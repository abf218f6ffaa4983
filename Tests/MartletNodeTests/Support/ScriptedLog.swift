// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletHub
import MartletProtocol
import Synchronization

@testable import MartletNode

/// A stream of revocations that does as it is told.
final class ScriptedLog: RevocationLog {
    struct State: Sendable {
        var subscriptions: Int? = 1
        var epoch = "e1"
        var entries: [(id: StreamID, message: [UInt8])] = []
        var floor: StreamID?
        var pageSize = 1_000
        var failure: BusError?
        var mayRepair = false
        /// How often a claim was given back.
        var releases = 0
        /// The identifiers after which was read.
        var reads: [StreamID] = []
    }

    private let state = Mutex(State())

    func change(_ body: (inout sending State) -> Void) { self.state.withLock { body(&$0) } }

    var entries: [(id: StreamID, message: [UInt8])] { self.state.withLock { $0.entries } }
    var reads: [StreamID] { self.state.withLock { $0.reads } }
    var releases: Int { self.state.withLock { $0.releases } }
    var floor: StreamID? { self.state.withLock { $0.floor } }
    var subscriptions: Int? { self.state.withLock { $0.subscriptions } }

    func claimRepair() async throws(BusError) -> Bool { self.state.withLock { $0.mayRepair } }

    func releaseRepair() async throws(BusError) { self.state.withLock { $0.releases += 1 } }

    func raiseFloor(to id: StreamID) async throws(BusError) { self.state.withLock { $0.floor = id } }

    func append(_ message: [UInt8]) async throws(BusError) -> StreamID {
        self.state.withLock { state in
            var id = state.entries.last?.id ?? StreamID(milliseconds: 1, sequence: 0)
            id.sequence += 1
            state.entries.append((id: id, message: message))
            return id
        }
    }

    func read(after id: StreamID) async throws(BusError) -> RedisRevocationLog.Page {
        let state = self.state.withLock { state in
            state.reads.append(id)
            return state
        }
        if let failure = state.failure { throw failure }
        let found = state.entries.filter { $0.id > id }.prefix(state.pageSize)
        return RedisRevocationLog.Page(
            epoch: state.epoch, last: state.entries.last?.id ?? .zero, floor: state.floor, entries: Array(found),
            isFull: found.count == state.pageSize)
    }
}
