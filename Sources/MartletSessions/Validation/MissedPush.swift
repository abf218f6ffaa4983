// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import Synchronization

/// Sessions that were found dead by asking and of which no event has told yet: one may be on its way. What is still here
/// after the grace was missed.
package final class MissedPush: Sendable {
    /// What the ids of events begin with that tell what was found by asking. They come back from the log that keeps them
    /// as events of others do, and are no proof that push works.
    package static let findingPrefix = "pull-"
    /// Sessions that wait for their event; more are held to be missed at once.
    private static let waitingMax = 10_000

    private enum Name: Hashable {
        case session(String)
        case token(String)
        case user(String)
    }

    private struct State {
        var waiting: [Int: Identity] = [:]
        var names: [Name: Set<Int>] = [:]
        /// Numbers in the order of their times.
        var order: [(number: Int, dueAt: Int64)] = []
        var next = 0
    }

    private let grace: Int64
    private let state = Mutex(State())
    /// So that the event of a session nobody asked about costs nothing.
    private let count = Atomic<Int>(0)

    package init(grace: Duration) { self.grace = grace.nanoseconds }

    /// A session was found dead. False where no more can wait: it counts as missed.
    func found(_ identity: Identity, now: Int64) -> Bool {
        self.state.withLock { state in
            guard state.waiting.count < Self.waitingMax else { return false }
            let number = state.next
            state.next += 1
            state.waiting[number] = identity
            state.order.append((number, now + self.grace))
            for name in Self.names(of: identity) { state.names[name, default: []].insert(number) }
            self.count.store(state.waiting.count, ordering: .relaxed)
            return true
        }
    }

    /// An event came, from wherever but an authority.
    package func heard(_ invalidation: Invalidation) {
        guard self.count.load(ordering: .relaxed) > 0, invalidation.source != .pull,
            !invalidation.id.hasPrefix(Self.findingPrefix)
        else { return }
        self.state.withLock { state in
            let candidates: [Int] =
                switch invalidation.target {
                case .session(let session): Array(state.names[.session(session)] ?? [])
                case .token(let token): Array(state.names[.token(token)] ?? [])
                case .user(let user, _): Array(state.names[.user(user)] ?? [])
                case .claim: Array(state.waiting.keys)
                }
            for number in candidates {
                guard let identity = state.waiting[number], invalidation.matches(identity) else { continue }
                Self.remove(number, identity, from: &state)
            }
            self.count.store(state.waiting.count, ordering: .relaxed)
        }
    }

    /// Those whose grace is over.
    func missed(now: Int64) -> [Identity] {
        guard self.count.load(ordering: .relaxed) > 0 else { return [] }
        return self.state.withLock { state in
            let over = state.order.prefix { $0.dueAt <= now }.count
            let missed = state.order.prefix(over).compactMap { entry -> Identity? in
                guard let identity = state.waiting[entry.number] else { return nil }
                Self.remove(entry.number, identity, from: &state)
                return identity
            }
            state.order.removeFirst(over)
            self.count.store(state.waiting.count, ordering: .relaxed)
            return missed
        }
    }

    private static func remove(_ number: Int, _ identity: Identity, from state: inout State) {
        state.waiting[number] = nil
        for name in Self.names(of: identity) {
            state.names[name]?.remove(number)
            if state.names[name]?.isEmpty ?? false { state.names[name] = nil }
        }
    }

    private static func names(of identity: Identity) -> [Name] {
        [identity.session.map(Name.session), identity.token.map(Name.token), .user(identity.user)].compactMap { $0 }
    }
}
