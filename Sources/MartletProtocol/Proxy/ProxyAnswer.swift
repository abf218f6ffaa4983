// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a back-end decided. Payloads are JSON on one line; times are seconds since 1970.
package enum ProxyAnswer: Equatable, Sendable {
    case connect(ConnectResult)
    case refresh(RefreshResult)
    case subscribe(SubscribeResult)
    case publish(PublishResult)
    case rpc(data: [UInt8]?)
    case subRefresh(RefreshResult)
    /// The client is told that its command failed.
    case error(code: UInt32, message: String, isTemporary: Bool)
    /// The connection ends.
    case disconnect(code: UInt16, reason: String)
}

extension ProxyAnswer {
    package struct ConnectResult: Equatable, Sendable {
        /// Empty for somebody whom the back-end lets in without knowing.
        package var user = ""
        /// When the connection expires; nil for never.
        package var expiresAt: Int64?
        /// Shown to others as `conn_info`.
        package var info: [UInt8]?
        /// Given to the client with the reply.
        package var data: [UInt8]?
        /// Subscriptions to make at once; `channels` and `subs` in one, each channel once.
        package var subscriptions: [ServerSubscription] = []
        /// Sent with every later question about this connection, and to nobody else.
        package var meta: [UInt8]?
        /// What an invalidation may name, as a token's claims `sid` and `jti`.
        package var session: String?
        package var token: String?
        /// Further claims that an invalidation may name, where the node indexes them.
        package var claims: [Identity.Claim] = []

        package init() {}

        /// Who the connection is. It is dated when the question was sent, because an invalidation that came while the
        /// back-end thought may not be in its answer.
        ///
        /// - Parameter indexed: The names of the claims to keep.
        package func identity(askedAt: Int64, indexing indexed: [String]) -> Identity {
            Identity(
                user: self.user, session: self.session, token: self.token, issuedAt: askedAt,
                expiresAt: self.expiresAt, claims: self.claims.filter { indexed.contains($0.name) },
                subscriptions: self.subscriptions, info: self.info, meta: self.meta)
        }
    }

    package struct RefreshResult: Equatable, Sendable {
        package var isExpired = false
        /// When it expires now; nil for never.
        package var expiresAt: Int64?
        /// nil leaves what was.
        package var info: [UInt8]?
        package var meta: [UInt8]?

        package init() {}
    }

    package struct SubscribeResult: Equatable, Sendable {
        /// Shown to others as `chan_info`.
        package var info: [UInt8]?
        /// Given to the subscriber with the reply.
        package var data: [UInt8]?
        package var expiresAt: Int64?
        package var overrides = SubscriptionOverrides()

        package init() {}
    }

    package struct PublishResult: Equatable, Sendable {
        /// Published instead of what the client sent; nil leaves that.
        package var data: [UInt8]?
        /// The same as bytes, which win; the channel says what they must be.
        package var bytes: [UInt8]?
        package var skipsHistory = false
        /// A JSON object of strings, or nil.
        package var tags: [UInt8]?
        package var idempotencyKey: String?
        package var version: UInt64 = 0
        package var versionEpoch = ""

        package init() {}
    }

    /// Says what is wrong with an answer, which thereby decides nothing.
    package struct Malformed: Error, Equatable, CustomStringConvertible, Sendable {
        package let what: String

        package var description: String { "a bad answer: \(self.what)" }
    }
}
