// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a node did of what all were asked, and what it has to tell.
struct NodeAnswer: Equatable, Sendable {
    /// Connections that it was done to, or things that are told of.
    var count = 0
    /// JSON on one line, where there is more to say.
    var body: [UInt8] = []
}
