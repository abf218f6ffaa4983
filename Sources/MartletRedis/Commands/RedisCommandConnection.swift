// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import NIOCore
import NIOPosix

/// One pipelined connection for commands, usable from any thread.
///
/// Commands are encoded where they are sent, and gathered until the event loop takes them all at once: one wake-up and
/// one system call for whatever came meanwhile. Every command is answered exactly once: with its reply, or with why
/// there is none. While there is no connection they fail at once.
package final class RedisCommandConnection: Sendable {
    package typealias Completion = @Sendable (Result<RESPValue, RedisError>) -> Void

    private let eventLoop: any EventLoop
    private let inbox: RedisCommandInbox
    private let core: NIOLoopBoundBox<RedisCommandCore>

    /// - Parameters:
    ///   - scripts: What Redis is told of before anything else.
    ///   - changed: Called on the loop when the connection opens (nil), and whenever it ends or cannot be made, with
    ///     whether it had been open.
    package init(
        configuration: RedisConfiguration, eventLoop: any EventLoop, scripts: [RedisScript] = [], logger: Logger,
        changed: @escaping @Sendable (_ error: RedisError?, _ wasOpen: Bool) -> Void
    ) {
        self.eventLoop = eventLoop
        let inbox = RedisCommandInbox(
            countMax: configuration.commandsMax, bytesMax: configuration.commandBytesMax)
        self.inbox = inbox
        self.core = NIOLoopBoundBox.makeBoxSendingValue(
            RedisCommandCore(
                configuration: configuration, inbox: inbox, eventLoop: eventLoop, scripts: scripts, logger: logger,
                changed: changed),
            eventLoop: eventLoop)
    }

    /// On a loop that the process shares, for who has none of his own.
    package convenience init(configuration: RedisConfiguration, logger: Logger) {
        self.init(
            configuration: configuration, eventLoop: MultiThreadedEventLoopGroup.singleton.any(), logger: logger
        ) { _, _ in }
    }

    package func start() {
        self.eventLoop.execute { self.core.value.start() }
    }

    /// Ends the connection; what waits is answered with an error.
    package func stop() {
        self.eventLoop.execute { self.core.value.stop() }
    }

    /// Never blocks. `completion` is called exactly once, on the loop, or here when too much waits already, or when all
    /// has ended.
    package func send(_ arguments: [RESPArgument], completion: @escaping Completion) {
        switch self.inbox.append(arguments, completion) {
        case .refused: completion(.failure(.overloaded))
        case .closed: completion(.failure(.stopped))
        case .takenFirst: self.eventLoop.execute { self.core.value.drain() }
        case .taken: break
        }
    }

    /// The reply to a command; an error that Redis answers is thrown as `RedisError.refused`.
    package func command(_ arguments: [RESPArgument]) async throws(RedisError) -> RESPValue {
        let result = await withCheckedContinuation { continuation in
            self.send(arguments) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Commands without an answer yet.
    package var waitingCount: Int { self.inbox.waitingCount }
}
