// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What came of asking a back-end.
package enum ProxyOutcome: Equatable, Sendable {
    /// It decided. `askedAt` is when the question was sent, in whole seconds since 1970.
    case answered(ProxyAnswer, askedAt: Int64)
    /// It did not, and so nothing is permitted.
    case failed(Failure)

    package enum Failure: String, CaseIterable, Error, Sendable {
        /// Not connected, or cut.
        case unreachable
        case timeout
        /// A status other than 200.
        case status
        /// An answer that is not one.
        case malformed
        /// More questions than may wait.
        case overloaded
        /// It failed so often that it is left alone for a while.
        case circuitOpen = "circuit_open"
        /// The node ends, or nobody is there to ask.
        case stopped

        /// What the client is told: always something that it may try again.
        package var error: CentrifugeError { self == .overloaded ? .tooManyRequests : .internalError }
    }
}
