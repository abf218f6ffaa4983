// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A line that a worker writes.
struct WorkerNews: Codable, Sendable {
    var tally = ClientTally()
    /// Since the line before.
    var closures: [Closure] = []
    var highest: [UInt32] = []
    /// Clients whose connect has an outcome.
    var settled = 0
    /// The books, once they are closed.
    var books: [ChannelBook]?
    var failure: String?
}
