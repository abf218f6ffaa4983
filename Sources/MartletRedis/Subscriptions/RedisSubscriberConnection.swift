// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Logging
import MartletCore
package import NIOCore

/// One connection that carries subscriptions alone, since in RESP2 it can carry nothing else. Confined to its loop.
///
/// It subscribes again to everything after each outage, and says so; what was published meanwhile is lost.
package final class RedisSubscriberConnection {
    private let eventLoop: any EventLoop
    private let configuration: RedisConfiguration
    private let logger: Logger
    private let onEvent: (RedisSubscriberEvent) -> Void
    private let onMessage: (_ channel: [UInt8], _ payload: [UInt8]) -> Void
    private var machine: RedisSubscriberStateMachine
    private var link: RedisLink?
    private var isSendDue = false
    private var keepAlive: Scheduled<Void>?

    package init(
        configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger,
        onEvent: @escaping (RedisSubscriberEvent) -> Void,
        onMessage: @escaping (_ channel: [UInt8], _ payload: [UInt8]) -> Void
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.logger = logger
        self.onEvent = onEvent
        self.onMessage = onMessage
        self.machine = RedisSubscriberStateMachine(
            batchMax: configuration.subscribeBatchMax, windowMax: configuration.subscribeWindowMax)
    }

    /// Channels subscribed or to be subscribed.
    package var count: Int { self.machine.count }

    package func start() {
        self.eventLoop.assertInEventLoop()
        guard self.link == nil else { return }
        let link = RedisLink(
            eventLoop: self.eventLoop, configuration: self.configuration, role: "subscriber", owner: self,
            logger: self.logger)
        self.link = link
        link.start()
    }

    package func stop() {
        self.eventLoop.assertInEventLoop()
        self.keepAlive?.cancel()
        self.machine.closed()
        self.link?.stop()
    }

    /// What is asked for in one turn of the loop leaves together at its end.
    package func subscribe(_ channel: String) {
        self.eventLoop.assertInEventLoop()
        self.machine.subscribe(channel)
        self.sendSoon()
    }

    package func unsubscribe(_ channel: String) {
        self.eventLoop.assertInEventLoop()
        self.machine.unsubscribe(channel)
        self.sendSoon()
    }

    /// Gives the present connection up for a new one.
    package func replace(_ error: RedisError) {
        self.link?.replace(error)
    }

    private func sendSoon() {
        guard !self.isSendDue else { return }
        self.isSendDue = true
        self.eventLoop.assumeIsolated().execute {
            self.isSendDue = false
            self.send()
        }
    }

    private func send() {
        guard let link = self.link, link.isOpen else { return }
        while let batch = self.machine.nextBatch() {
            link.write { buffer in
                switch batch.operation {
                case .subscribe: RESPEncoder.write("SUBSCRIBE", batch.channels, to: &buffer)
                case .unsubscribe: RESPEncoder.write("UNSUBSCRIBE", batch.channels, to: &buffer)
                }
            }
        }
    }

    private func keepAliveDue() {
        switch self.machine.keepAliveDue() {
        case .ask:
            self.link?.write { RESPEncoder.write(["PING"], to: &$0) }
            self.scheduleKeepAlive(after: self.configuration.keepAliveTimeout)
        case .rest:
            self.scheduleKeepAlive(after: self.configuration.keepAliveInterval)
        case .fail:
            self.link?.replace(.timedOut)
        case .none:
            break
        }
    }

    private func scheduleKeepAlive(after wait: Duration) {
        self.keepAlive = self.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(wait.nanoseconds)) {
            self.keepAliveDue()
        }
    }
}

extension RedisSubscriberConnection: RedisLinkOwner {
    func linkOpened() {
        let isRestored = self.machine.opened()
        self.onEvent(.opened)
        if isRestored { self.onEvent(.restored) }
        self.scheduleKeepAlive(after: self.configuration.keepAliveInterval)
        self.sendSoon()
    }

    func linkClosed(_ error: RedisError, wasOpen: Bool) {
        self.keepAlive?.cancel()
        self.machine.closed()
        self.onEvent(.closed(error, wasOpen: wasOpen))
    }

    func linkReceived(_ reply: RESPValue) {
        switch self.machine.received(reply) {
        case .message(let channel, let payload):
            self.onMessage(channel, payload)
        case .subscribed(let channel, let restored):
            self.onEvent(.subscribed(channel))
            if restored { self.onEvent(.restored) }
        case .unsubscribed(let channel):
            self.onEvent(.unsubscribed(channel))
        case .fail(let error):
            self.link?.replace(error)
        case .none:
            break
        }
    }

    /// Acknowledgements may have made room for more.
    func linkReadCompleted() { self.send() }
}
