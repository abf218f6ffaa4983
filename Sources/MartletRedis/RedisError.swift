// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why a command has no reply, or why a connection ended.
package enum RedisError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no connection; the command was not sent.
    case unavailable
    /// More commands or bytes wait than may wait; the command was not sent.
    case overloaded
    /// No reply came in time; the command may have been carried out.
    case timedOut
    /// The connection ended before the reply, for this reason; the command may have been carried out.
    case connectionLost(String)
    /// Redis answered with this error.
    case refused(String)
    /// What came is no RESP, or not what RESP has in that place.
    case violation(String)
    /// The client was stopped.
    case stopped

    package var description: String {
        switch self {
        case .unavailable: "no connection"
        case .overloaded: "too many commands wait"
        case .timedOut: "no reply in time"
        case .connectionLost(let reason): "connection lost: \(reason)"
        case .refused(let text): "refused: \(text)"
        case .violation(let text): "protocol violation: \(text)"
        case .stopped: "stopped"
        }
    }
}
