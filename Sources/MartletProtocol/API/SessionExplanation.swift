// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What every node knows of a session, a user or a token: who is connected, what is remembered, and what it would do.
package struct SessionExplanation: Equatable, Sendable {
    package struct Connection: Equatable, Sendable {
        package var client: String
        package var transport: String
        package var proto: String
        package var user: String
        package var session: String?
        package var token: String?
        /// Whole seconds since 1970, as all times of tokens.
        package var issuedAt: Int64?
        package var expiresAt: Int64?

        package init(client: String, transport: String, proto: String, user: String) {
            self.client = client
            self.transport = transport
            self.proto = proto
            self.user = user
        }
    }

    /// A revocation that the node remembers.
    package struct Revocation: Equatable, Sendable {
        /// What it names: `session`, `user`, `token` or `claim`, whose value is then `name=value`.
        package var target: String
        package var value: String
        /// The latest time of issue that it ends; nil for every token.
        package var before: Int64?
        /// The name of the close reason.
        package var closeReason: String
        /// For how many more seconds it is remembered.
        package var secondsLeft: Int
        /// What is known of the event itself, where it is not too long ago.
        package var event: Event?

        package init(target: String, value: String, before: Int64?, closeReason: String, secondsLeft: Int) {
            self.target = target
            self.value = value
            self.before = before
            self.closeReason = closeReason
            self.secondsLeft = secondsLeft
        }
    }

    package struct Event: Equatable, Sendable {
        package var id: String
        /// Its place in the log that keeps it.
        package var receipt: String?
        /// When it happened and when it was applied here, in seconds since 1970.
        package var at: Double
        package var appliedAt: Double
        package var source: String
        package var reason: String?

        package init(
            id: String, receipt: String?, at: Double, appliedAt: Double, source: String, reason: String?
        ) {
            self.id = id
            self.receipt = receipt
            self.at = at
            self.appliedAt = appliedAt
            self.source = source
            self.reason = reason
        }
    }

    /// How a session stands with the authority that is asked about it.
    package struct Validation: Equatable, Sendable {
        package var session: String
        /// Seconds since the last good answer, or since the connection opened where there was none yet.
        package var goodFor: Double
        /// `active`; `unknown` where the last question had no answer; `stale` where that is too long ago.
        package var answer: String
        /// Seconds until it is asked about again; nil while it is.
        package var nextIn: Double?

        package init(session: String, goodFor: Double, answer: String, nextIn: Double?) {
            self.session = session
            self.goodFor = goodFor
            self.answer = answer
            self.nextIn = nextIn
        }
    }

    package enum Verdict: String, CaseIterable, Sendable {
        case admitted, refused
        /// It depends on when the token was issued, or on names that are not known here.
        case depends
    }

    package struct Node: Equatable, Sendable {
        package var node: String
        package var name: String
        /// All of them, of which only some may be described.
        package var connectionCount = 0
        package var connections: [Connection] = []
        package var validations: [Validation] = []
        package var revocations: [Revocation] = []
        /// Tokens issued at or before this time need a validation.
        package var floor: Int64?
        package var verdict = Verdict.admitted
        package var because = ""

        package init(node: String, name: String) {
            self.node = node
            self.name = name
        }
    }

    package var subject: APIRequest.Explain
    /// The JSON of each `Node`.
    package var nodes: [[UInt8]]
    package var unanswered: [NodeReach.Unanswered]

    package init(subject: APIRequest.Explain, nodes: [[UInt8]], unanswered: [NodeReach.Unanswered]) {
        self.subject = subject
        self.nodes = nodes
        self.unanswered = unanswered
    }

    func write(to writer: inout JSONWriter) {
        writer.member(self.subject.subject.rawValue, self.subject.id)
        writer.key("nodes")
        writer.beginArray()
        for node in self.nodes { writer.raw(node) }
        writer.endArray()
        NodeReach(unanswered: self.unanswered).writeUnanswered(to: &writer)
    }
}
