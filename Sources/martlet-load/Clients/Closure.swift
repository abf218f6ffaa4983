// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The end of a client that had been open, before the run ended it.
struct Closure: Codable, Equatable, Sendable {
    /// The client's number in the whole run.
    var client: Int
    /// When the server said so, or the socket ended without a word, in nanoseconds since 1970.
    var at: Int64
    var reason: String
}
