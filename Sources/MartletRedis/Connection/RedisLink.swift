// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import NIOCore
import NIOPosix

/// One connection to Redis that is made again whenever it ends. Confined to its event loop.
///
/// What is written in one turn of the loop leaves in one system call.
final class RedisLink {
    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let logger: Logger
    private var machine: RedisLinkStateMachine
    private weak var owner: (any RedisLinkOwner)?
    private var channel: (any Channel)?
    private var output = ByteBuffer()
    private var flushIsDue = false
    /// The end of the present attempt, or the start of the next.
    private var timer: Scheduled<Void>?
    /// Whether the log knows that there is no connection, so that each outage is told once.
    private var outageIsLogged = false

    init(
        eventLoop: any EventLoop, configuration: RedisConfiguration, role: String, owner: any RedisLinkOwner,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.owner = owner
        var logger = logger
        logger[metadataKey: "redis"] = "\(configuration.url)"
        logger[metadataKey: "connection"] = "\(role)"
        self.logger = logger
        self.machine = RedisLinkStateMachine(
            greetings: Self.greetings(configuration).map(\.0),
            backoff: Backoff(base: configuration.backoffBase, ceiling: configuration.backoffCeiling))
    }

    var isOpen: Bool { self.machine.state == .open }

    func start() {
        self.eventLoop.assertInEventLoop()
        self.run(self.machine.started())
    }

    /// Lets `body` append commands; they leave at the end of this turn of the loop.
    func write(_ body: (inout ByteBuffer) -> Void) {
        self.eventLoop.assertInEventLoop()
        body(&self.output)
        guard !self.flushIsDue else { return }
        self.flushIsDue = true
        self.eventLoop.assumeIsolated().execute { self.flush() }
    }

    /// Gives the present connection up for a new one.
    func replace(_ error: RedisError) {
        self.eventLoop.assertInEventLoop()
        self.end(attempt: self.machine.attempt, error)
    }

    func stop() {
        self.eventLoop.assertInEventLoop()
        self.flush()
        self.machine.stopped()
        self.abandon()
    }

    // MARK: What the channel says

    func received(_ reply: RESPValue, attempt: Int) -> Bool {
        switch self.machine.replied(reply, attempt: attempt) {
        case .deliver:
            self.owner?.linkReceived(reply)
        case .opened:
            self.timer?.cancel()
            self.outageIsLogged = false
            self.logger.info("connected to Redis")
            self.owner?.linkOpened()
        case .fail(let error):
            self.end(attempt: attempt, error)
        case .none:
            break
        }
        return attempt == self.machine.attempt && self.channel != nil
    }

    func readCompleted(attempt: Int) {
        if attempt == self.machine.attempt, self.isOpen { self.owner?.linkReadCompleted() }
    }

    func end(attempt: Int, _ error: RedisError) {
        self.run(self.machine.ended(attempt: attempt), error)
    }

    // MARK: Effects

    private func run(_ action: RedisLinkStateMachine.StartAction) {
        guard case .connect(let attempt) = action else { return }
        self.timer = self.schedule(self.configuration.connectTimeout) {
            self.run(self.machine.deadlinePassed(attempt: attempt), .timedOut)
        }
        self.connect(attempt: attempt).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.connected(channel, attempt: attempt)
            case .failure(let error): self.end(attempt: attempt, RedisError(channelError: error))
            }
        }
    }

    private func connect(attempt: Int) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let limits = self.configuration.replyLimits
        let bootstrap = ClientBootstrap(group: self.eventLoop)
            .connectTimeout(.nanoseconds(self.configuration.connectTimeout.nanoseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = RedisChannelHandler(
                        link: bound.value, attempt: attempt, parser: try RESPParser(limits: limits))
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        return switch self.configuration.url.address {
        case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
        case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    private func connected(_ channel: any Channel, attempt: Int) {
        guard case .greet = self.machine.connected(attempt: attempt) else { return channel.close(promise: nil) }
        self.channel = channel
        self.output.clear()
        self.write { buffer in
            for (_, command) in Self.greetings(self.configuration) { RESPEncoder.write(command, to: &buffer) }
        }
        // It may have ended before there was anybody to tell.
        if !channel.isActive { self.end(attempt: attempt, .connectionLost("closed")) }
    }

    private func run(_ action: RedisLinkStateMachine.EndAction, _ error: RedisError) {
        guard case .retry(let wait, let wasOpen) = action else { return }
        self.abandon()
        self.logger.log(
            level: self.outageIsLogged ? .debug : .warning, "no connection to Redis",
            metadata: ["error": "\(error)", "retry": "\(wait.inSeconds)"])
        self.outageIsLogged = true
        let attempt = self.machine.attempt
        self.timer = self.schedule(wait) { self.run(self.machine.waited(attempt: attempt)) }
        self.owner?.linkClosed(error, wasOpen: wasOpen)
    }

    private func abandon() {
        self.timer?.cancel()
        self.timer = nil
        self.output.clear()
        self.channel?.close(promise: nil)
        self.channel = nil
    }

    private func flush() {
        self.flushIsDue = false
        guard let channel = self.channel, self.output.readableBytes > 0 else { return }
        let output = self.output
        self.output = channel.allocator.buffer(capacity: 1_024)
        channel.writeAndFlush(output, promise: nil)
    }

    private func schedule(_ wait: Duration, _ body: @escaping () -> Void) -> Scheduled<Void> {
        self.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(wait.nanoseconds), body)
    }

    /// What is said first on each connection. PING comes last, because a server that loads its data, or wants a
    /// password, refuses it.
    private static func greetings(
        _ configuration: RedisConfiguration
    ) -> [(RedisLinkStateMachine.Greeting, [RESPArgument])] {
        var greetings: [(RedisLinkStateMachine.Greeting, [RESPArgument])] = []
        if let password = configuration.url.password {
            let user = configuration.url.user.map { [RESPArgument.text($0)] } ?? []
            greetings.append((.required, ["AUTH"] + user + [.text(password)]))
        }
        if configuration.url.database != 0 {
            greetings.append((.required, ["SELECT", .text(String(configuration.url.database))]))
        }
        greetings.append((.optional, ["CLIENT", "SETNAME", .text(configuration.clientName)]))
        greetings.append((.required, ["PING"]))
        return greetings
    }
}
