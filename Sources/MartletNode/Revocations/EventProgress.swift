// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How far a node has come with the event at a place in a log.
enum EventProgress: Sendable {
    /// It was read while the node let nobody in yet.
    case replayed
    case applied
    case pending
    /// The log is not one that this node reads.
    case foreign
}
