// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// One request or notification of a client.
package struct JSONRPCRequest: Equatable, Sendable {
    package enum Call: Equatable, Sendable {
        /// Without a token the connection asks to be anonymous.
        case connect(token: String?)
        /// A fresh token for the connection.
        case refresh(token: String)
        /// A fresh token for one subscription.
        case refreshSubscription(channel: String, token: String)
        case subscribe(Subscribe)
        case unsubscribe(channel: String)
        /// `data` is JSON on one line.
        case publish(channel: String, data: [UInt8])
        case history(History)
        case presence(channel: String)
        case presenceStats(channel: String)
        case ping
        /// A method or parameters that cannot be served: the error is the answer.
        case invalid(JSONRPCError)
    }

    package struct Subscribe: Equatable, Sendable {
        package var channel: String
        /// A token for just this channel.
        package var token: String?
        /// Where the client was, if it wants what it missed.
        package var since: StreamPosition?
        /// Whether it will come back with its position, and so must be told when it is lost.
        package var recovers = false
        /// Whether comings and goings of others are to be told.
        package var joinLeave = false

        package init(channel: String) { self.channel = channel }
    }

    package struct History: Equatable, Sendable {
        package var channel: String
        package var since: StreamPosition?
        /// Nil: all that is kept.
        package var limit: Int?
        package var isReverse = false

        package init(channel: String) { self.channel = channel }
    }

    /// The id as the client wrote it: a string, a number or null; nil for a notification, which gets no answer.
    package var id: [UInt8]?
    package var call: Call

    package init(id: [UInt8]?, call: Call) {
        self.id = id
        self.call = call
    }
}
