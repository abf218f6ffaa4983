// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Which commands wait for replies, in the order in which they were sent, and until when.
///
/// All commands have the same time, so that the first in line is the first to be late. `Context` is what belongs to a
/// command: who wants its reply.
package struct RedisCommandStateMachine<Context> {
    package enum SubmitAction: Equatable {
        case send
        case fail
    }

    package enum ReplyAction {
        case answer(Context)
        /// Nothing waits: what came answers nothing.
        case fail
    }

    private let timeout: Int64
    private var isOpen = false
    private var line = CircularBuffer<(context: Context, deadline: Int64)>()

    /// - Parameter timeout: In nanoseconds, as the times given below.
    package init(timeout: Int64) { self.timeout = timeout }

    package var count: Int { self.line.count }

    /// When the first in line will be late; nil where none waits.
    package var deadline: Int64? { self.line.first?.deadline }

    package mutating func opened() { self.isOpen = true }

    /// Commands are about to be sent. Where the answer is `.fail` they were not taken.
    package mutating func submitted(_ contexts: [Context], now: Int64) -> SubmitAction {
        guard self.isOpen else { return .fail }
        let deadline = now + self.timeout
        for context in contexts { self.line.append((context, deadline)) }
        return .send
    }

    package mutating func replied() -> ReplyAction {
        guard let first = self.line.popFirst() else { return .fail }
        return .answer(first.context)
    }

    /// Whether the first in line is late, which means that the connection must be given up.
    package func isLate(now: Int64) -> Bool {
        guard let first = self.line.first else { return false }
        return first.deadline <= now
    }

    /// The connection is gone: what waited will have no replies.
    package mutating func closed() -> [Context] {
        self.isOpen = false
        defer { self.line.removeAll() }
        return self.line.map(\.context)
    }
}
