// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor
import MartletSessions

/// What came of the credentials of a connect.
enum Authentication {
    case identity(Identity)
    /// The token is good but for its time: the client should fetch a fresh one.
    case expired
    /// The node does not have the key yet.
    case keysNeeded
    case refused(TokenRejection)
    /// None were given, and anonymous connections are not configured.
    case missing
    /// The token is good and names nobody, and anonymous connections are not configured.
    case anonymous
}

extension EdgeShard {
    static let anonymous = Identity(user: "")

    func authenticate(_ token: String?) -> Authentication {
        guard let token, !token.isEmpty else {
            return self.shared.configuration.allowsAnonymous ? .identity(Self.anonymous) : .missing
        }
        return switch self.shared.verifier.verify(token) {
        // What the leeway for clocks lets in beyond the grace would be closed at once, to come back with the same.
        case .verified(let identity) where self.isOver(identity): .expired
        // Nobody could revoke or validate it, as it has no name.
        case .verified(let identity) where identity.isAnonymous && !self.shared.configuration.allowsAnonymous:
            .anonymous
        case .verified(let identity): .identity(identity)
        case .keysNeeded: .keysNeeded
        // A fetch has failed a moment ago: nothing is wrong with the client.
        case .rejected(.keysUnavailable): .keysNeeded
        case .rejected(.expired): .expired
        case .rejected(let rejection): .refused(rejection)
        }
    }

    func isOver(_ identity: Identity) -> Bool {
        identity.expiresAt.map(self.isOver) ?? false
    }

    func isOver(_ time: Int64) -> Bool { Double(time) + self.limits.expiryGrace.inSeconds <= Clock.wall }

    /// Seconds until a client must show a fresh token; nil where it need not.
    func expiresIn(_ identity: Identity) -> UInt32? {
        identity.expiresAt.map(self.seconds(until:))
    }

    /// Puts a fresh token in the place of the one a connection came with; nil when it may stay.
    func refresh(_ slot: Int32, with identity: Identity) -> RevocationVerdict {
        guard let old = self.shard.identity(of: slot) else { return .clear }
        // First filed under its new name, then checked, for the same reason as at the beginning.
        self.shard.replaceIdentity(slot, with: identity)
        let verdict = self.verdict(for: identity)
        if self.connections[Int(slot)].flags.contains(.rostered) {
            self.shared.roster?.replaced(old, by: identity)
        }
        self.setExpiry(slot, identity)
        self.schedule(slot)
        return verdict
    }
}

extension CentrifugeError {
    /// What a client is told when the bus could not do something.
    init(_ error: BusError) {
        switch error {
        case .overloaded: self = .tooManyRequests
        case .unavailable, .unconfirmed, .refused: self = .internalError
        }
    }
}
