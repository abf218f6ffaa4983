// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A line that a worker reads: the first holds its plan.
struct WorkerOrder: Codable, Sendable {
    var plan: ClientPlan?
    var threads: Int?
    /// How many of its clients are to be connected.
    var wanted: Int?
    /// The last number of each channel: close the books, then the clients, and end.
    var last: [UInt32]?
    /// Numbers, by channel, of which nobody knows whether they were published.
    var void: [Int: Set<UInt32>]?
}
