// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One request or notification of a client.
package struct JSONRPCRequest: Equatable, Sendable {
    package enum Call: Equatable, Sendable {
        /// Without a token the connection asks to be anonymous.
        case connect(token: String?)
        case refresh(token: String)
        case subscribe(channel: String)
        case unsubscribe(channel: String)
        /// `data` is JSON on one line.
        case publish(channel: String, data: [UInt8])
        case ping
        /// A method or parameters that cannot be served: the error is the answer.
        case invalid(JSONRPCError)
    }

    /// The id as the client wrote it: a string, a number or null; nil for a notification, which gets no answer.
    package var id: [UInt8]?
    package var call: Call

    package init(id: [UInt8]?, call: Call) {
        self.id = id
        self.call = call
    }
}
