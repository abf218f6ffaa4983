// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Where senders of commands and the event loop meet: what is to be sent, and how much waits for an answer.
final class RedisCommandInbox: Sendable {
    /// A command that was sent: whom to tell, and how many bytes it holds of what may wait.
    struct Waiting: Sendable {
        var completion: RedisCommandConnection.Completion
        var bytes: Int
    }

    enum Outcome {
        case refused
        /// Nothing is sent any more.
        case closed
        /// Taken, and the loop must be told.
        case takenFirst
        case taken
    }

    private struct State: Sendable {
        var bytes = ByteBuffer()
        var commands: [Waiting] = []
        var isAwake = false
        var isClosed = false
        /// Commands without an answer yet, here or beyond, and their bytes.
        var waitingCount = 0
        var waitingBytes = 0
    }

    private let state = Mutex(State())
    private let countMax: Int
    private let bytesMax: Int

    init(countMax: Int, bytesMax: Int) {
        self.countMax = countMax
        self.bytesMax = bytesMax
    }

    var waitingCount: Int { self.state.withLock { $0.waitingCount } }

    func append(_ arguments: [RESPArgument], _ completion: @escaping RedisCommandConnection.Completion) -> Outcome {
        let bytes = arguments.reduce(16) { $0 + $1.count + 16 }
        return self.state.withLock { state in
            if state.isClosed { return .closed }
            guard state.waitingCount < self.countMax, state.waitingBytes + bytes <= self.bytesMax else {
                return .refused
            }
            state.waitingCount += 1
            state.waitingBytes += bytes
            RESPEncoder.write(arguments, to: &state.bytes)
            state.commands.append(Waiting(completion: completion, bytes: bytes))
            defer { state.isAwake = true }
            return state.isAwake ? .taken : .takenFirst
        }
    }

    func take() -> (bytes: ByteBuffer, commands: [Waiting]) {
        self.state.withLock { state in
            let taken = (state.bytes, state.commands)
            state.bytes = ByteBuffer()
            state.commands = []
            state.isAwake = false
            return taken
        }
    }

    /// A command that the loop sends by itself, beside what waits here.
    func admit(_ completion: @escaping RedisCommandConnection.Completion) -> Waiting {
        self.state.withLock { $0.waitingCount += 1 }
        return Waiting(completion: completion, bytes: 0)
    }

    /// Takes nothing more, and gives what is here.
    func close() -> [Waiting] {
        self.state.withLock { $0.isClosed = true }
        return self.take().commands
    }

    /// So many commands, and bytes, have their answers.
    func release(count: Int, bytes: Int) {
        self.state.withLock { state in
            state.waitingCount -= count
            state.waitingBytes -= bytes
        }
    }
}
