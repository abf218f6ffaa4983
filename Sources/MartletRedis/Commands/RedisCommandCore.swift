// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import NIOCore

/// The side of a `RedisCommandConnection` that is confined to the event loop.
final class RedisCommandCore {
    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let inbox: RedisCommandInbox
    private let scripts: [RedisScript]
    private let logger: Logger
    private let changed: (_ error: RedisError?, _ wasOpen: Bool) -> Void
    private var machine: RedisCommandStateMachine<RedisCommandInbox.Waiting>
    private var link: RedisLink?
    /// What is still to be given back to the inbox, once for all that one read brought.
    private var answered = (count: 0, bytes: 0)
    /// At most one waits: for the first in line to be late.
    private var timer: Scheduled<Void>?

    init(
        configuration: RedisConfiguration, inbox: RedisCommandInbox, eventLoop: any EventLoop,
        scripts: [RedisScript], logger: Logger,
        changed: @escaping @Sendable (_ error: RedisError?, _ wasOpen: Bool) -> Void
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.inbox = inbox
        self.scripts = scripts
        self.logger = logger
        self.changed = changed
        self.machine = RedisCommandStateMachine(timeout: configuration.commandTimeout.nanoseconds)
    }

    func start() {
        self.eventLoop.assertInEventLoop()
        guard self.link == nil else { return }
        let link = RedisLink(
            eventLoop: self.eventLoop, configuration: self.configuration, role: "commands", owner: self,
            logger: self.logger)
        self.link = link
        link.start()
    }

    func stop() {
        self.link?.stop()
        self.timer?.cancel()
        self.fail(self.machine.closed(), .stopped)
        self.fail(self.inbox.close(), .stopped)
    }

    /// Sends what the inbox holds.
    func drain() {
        self.eventLoop.assertInEventLoop()
        var (bytes, commands) = self.inbox.take()
        guard let link = self.link, self.machine.submitted(commands, now: Clock.monotonic) == .send else {
            return self.fail(commands, .unavailable)
        }
        link.write { $0.writeBuffer(&bytes) }
        if self.timer == nil { self.watch() }
    }

    private func loadScripts() {
        guard let link = self.link, !self.scripts.isEmpty else { return }
        let commands = self.scripts.map { script in self.inbox.admit { script.learned($0) } }
        guard self.machine.submitted(commands, now: Clock.monotonic) == .send else {
            return self.fail(commands, .unavailable)
        }
        link.write { buffer in
            for script in self.scripts { RESPEncoder.write(["SCRIPT", "LOAD", .text(script.source)], to: &buffer) }
        }
        if self.timer == nil { self.watch() }
    }

    /// Waits until the first in line may be late. It is not moved with each reply, but looks again when it fires.
    private func watch() {
        self.timer = nil
        guard let deadline = self.machine.deadline else { return }
        let wait = max(0, deadline - Clock.monotonic)
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(wait)) {
            if self.machine.isLate(now: Clock.monotonic) {
                self.timer = nil
                self.link?.replace(.timedOut)
            } else {
                self.watch()
            }
        }
    }

    private func answer(_ command: RedisCommandInbox.Waiting, _ result: Result<RESPValue, RedisError>) {
        self.answered.count += 1
        self.answered.bytes += command.bytes
        command.completion(result)
    }

    private func fail(_ commands: [RedisCommandInbox.Waiting], _ error: RedisError) {
        for command in commands { self.answer(command, .failure(error)) }
        self.releaseAnswered()
    }

    private func releaseAnswered() {
        guard self.answered.count > 0 else { return }
        self.inbox.release(count: self.answered.count, bytes: self.answered.bytes)
        self.answered = (0, 0)
    }
}

extension RedisCommandCore: RedisLinkOwner {
    func linkOpened() {
        self.machine.opened()
        self.loadScripts()
        self.changed(nil, false)
    }

    func linkClosed(_ error: RedisError, wasOpen: Bool) {
        self.timer?.cancel()
        self.timer = nil
        self.fail(self.machine.closed(), error)
        self.changed(error, wasOpen)
    }

    func linkReceived(_ reply: RESPValue) {
        guard case .answer(let command) = self.machine.replied() else {
            self.link?.replace(.violation("a reply that nothing asked for"))
            return
        }
        if case .error(let text) = reply {
            self.answer(command, .failure(.refused(text)))
        } else {
            self.answer(command, .success(reply))
        }
    }

    func linkReadCompleted() { self.releaseAnswered() }
}
