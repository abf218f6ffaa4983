// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletReactor
import MartletSessions

/// Connections that wait at the door for the authority over sessions.
///
/// They are registered nowhere meanwhile, and whoever comes in afterwards is registered first and checked then, as
/// always: what was revoked during the wait is found by that check, and so is what the authority itself called dead.
extension EdgeShard {
    /// Seconds after which one comes back whose session the authority did not answer for.
    private static let returnAfter = 2...6

    /// What the authority was asked before a connection came in.
    struct AuthorityQuestion {
        let identity: Identity
        let ticket: UInt32
        /// Nil until it is answered.
        var isAdmitted: Bool?

        func isAbout(_ other: Identity) -> Bool {
            self.identity.sessionKey == other.sessionKey && self.identity.token == other.token
                && self.identity.user == other.user
        }
    }

    /// Whether a connection must wait before it comes in under an identity. What it wanted must be kept for `goOn`, or
    /// as `EdgeExtras.connect`, or stand in a request that is read again.
    func waitsForAuthority(_ slot: Int32, _ identity: Identity) -> Bool {
        guard let validation = self.shared.validation else { return false }
        if let question = self.existingExtras(slot)?.question, question.isAdmitted != nil, question.isAbout(identity) {
            return false
        }
        guard validation.mustAsk(identity) else { return false }
        let ticket = self.ticket()
        self.withExtras(slot).question = AuthorityQuestion(identity: identity, ticket: ticket)
        self.wait(slot)
        let (id, mailbox) = (self.reactor.id(of: slot), self.shard.mailbox)
        validation.admit(identity) { isAdmitted in
            mailbox.post(control: .completed(id, ticket: ticket, .validated(isAdmitted: isAdmitted)))
        }
        return true
    }

    /// Whether a connection that has waited may not come in. The answer is good for once.
    func isTurnedAway(_ slot: Int32, _ identity: Identity) -> Bool {
        guard let extras = self.existingExtras(slot), let question = extras.question else { return false }
        extras.question = nil
        self.dropExtrasIfIdle(slot)
        return question.isAbout(identity) && question.isAdmitted == false
    }

    func validated(_ slot: Int32, ticket: UInt32, isAdmitted: Bool) {
        guard let extras = self.existingExtras(slot), let question = extras.question, question.ticket == ticket,
            self.isWaiting(slot)
        else { return }
        extras.question?.isAdmitted = isAdmitted
        self.connections[Int(slot)].flags.remove(.waits)
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
        if let pending = extras.connect {
            extras.connect = nil
            self.connect(slot, as: question.identity, pending)
        }
        self.goOn(slot)
    }

    static var secondsUntilReturn: Int { .random(in: self.returnAfter) }

    /// What the revocations say of an identity; what may be forgotten among them is none where the authority called the
    /// session alive a moment ago.
    func verdict(for identity: Identity) -> RevocationVerdict {
        let verdict = self.shared.revocations.verdict(for: identity)
        if case .belowFloor = verdict, self.shared.validation?.isKnownGood(identity) ?? false { return .clear }
        return verdict
    }
}
