// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor
import MartletSessions

/// Leases that the back-end renews: of connections and of subscriptions. Clients know nothing of them.
extension EdgeShard {
    /// When the back-end is asked again that did not decide, spread so that those who failed together do not return
    /// together.
    private var retryTick: UInt32 { self.tick &+ UInt32.random(in: 450...750) }

    /// Whether something that expired at a time may outlast it while nobody decides.
    private func isWithinPatience(_ expiresAt: Int64) -> Bool {
        Clock.wall <= Double(expiresAt) + self.shared.configuration.proxyPatience.inSeconds
    }

    /// A connection's identity is past its time.
    func expired(_ slot: Int32) {
        guard self.asksProxy(.refresh), let expiresAt = self.shard.identity(of: slot)?.expiresAt,
            self.isWithinPatience(expiresAt)
        else { return self.end(slot, reason: .connectionExpired) }
        // If no answer comes it is asked again; and one that comes sets another time.
        self.connections[Int(slot)].expiryTick = self.retryTick
        self.askToRefresh(slot)
        self.schedule(slot)
    }

    func refreshProxied(_ slot: Int32, _ outcome: ProxyOutcome) {
        guard let old = self.shard.identity(of: slot) else { return }
        switch outcome {
        // Asked again when the time comes that was set with the question.
        case .failed, .answered(.error(_, _, isTemporary: true), _):
            if let end = old.expiresAt, !self.isWithinPatience(end) { self.end(slot, reason: .connectionExpired) }
        case .answered(.refresh(let result), let askedAt) where !result.isExpired:
            if let end = result.expiresAt, Double(end) <= Clock.wall {
                return self.end(slot, reason: .connectionExpired)
            }
            let identity = Identity(
                user: old.user, session: old.session, token: old.token, issuedAt: askedAt,
                expiresAt: result.expiresAt, claims: old.claims, subscriptions: old.subscriptions,
                info: result.info ?? old.info, meta: result.meta ?? old.meta)
            switch self.refresh(slot, with: identity) {
            case .clear: break
            case .revoked(let reason): self.end(slot, reason: reason)
            case .belowFloor: self.end(slot, reason: .connectionExpired)
            }
        case .answered: self.end(slot, reason: .connectionExpired)
        }
    }

    /// Whether a subscription that is past its time may go on until the back-end has decided.
    func asksToProlong(_ slot: Int32, _ channel: String) -> Bool {
        guard self.asksProxy(.subRefresh), let extras = self.existingExtras(slot),
            let expiresAt = extras.subscriptions[channel]?.expiresAt, self.isWithinPatience(expiresAt)
        else { return false }
        extras.subscriptions[channel]?.expiryTick = self.retryTick
        self.askToProlong(slot, channel)
        return true
    }

    func subRefreshProxied(_ slot: Int32, _ channel: String, _ outcome: ProxyOutcome) {
        guard let own = self.existingExtras(slot)?.subscriptions[channel], self.shard.isSubscribed(slot, to: channel)
        else { return }
        switch outcome {
        case .failed, .answered(.error(_, _, isTemporary: true), _): return
        case .answered(.subRefresh(let result), _) where !result.isExpired && !Self.isPast(result.expiresAt):
            var terms = ServerSubscription(channel: channel)
            terms.info = result.info
            terms.expiresAt = result.expiresAt
            self.prolong(slot, terms)
        case .answered: _ = self.expire(slot, channel, own)
        }
    }

    private static func isPast(_ time: Int64?) -> Bool { time.map { Double($0) <= Clock.wall } ?? false }
}
