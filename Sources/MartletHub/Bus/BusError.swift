// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why the bus did not take something.
package enum BusError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bus cannot be reached; nothing was done.
    case unavailable
    /// The bus went away, or did not answer in time, after it had been asked: it may or may not have been done.
    case unconfirmed
    /// More waits for the bus than may wait; nothing was done.
    case overloaded
    /// The bus answered that it will not, with this text.
    case refused(String)

    package var description: String {
        switch self {
        case .unavailable: "the bus is unavailable"
        case .unconfirmed: "the bus did not confirm"
        case .overloaded: "the bus is overloaded"
        case .refused(let text): "the bus refused: \(text)"
        }
    }
}
