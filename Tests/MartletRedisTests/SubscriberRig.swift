// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletRedis
import NIOCore
import NIOPosix
import Synchronization

/// A subscriber connection on a loop of its own, and what it told.
final class SubscriberRig: Sendable {
    /// Kept apart so that the closures can hold it without holding the rig.
    private final class Ear: Sendable {
        let events = Mutex<[RedisSubscriberEvent]>([])
        let messages = Mutex<[(channel: String, payload: [UInt8])]>([])
    }

    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let ear = Ear()
    private let connection: NIOLoopBoundBox<RedisSubscriberConnection>

    init(_ configuration: RedisConfiguration) {
        let (ear, eventLoop) = (self.ear, self.group.next())
        self.connection = NIOLoopBoundBox.makeBoxSendingValue(
            RedisSubscriberConnection(
                configuration: configuration, eventLoop: eventLoop, logger: Logger(label: "test"),
                onEvent: { event in ear.events.withLock { $0.append(event) } },
                onMessage: { channel, payload in
                    let channel = String(decoding: channel, as: UTF8.self)
                    ear.messages.withLock { $0.append((channel, payload)) }
                }),
            eventLoop: eventLoop)
    }

    var events: [RedisSubscriberEvent] { self.ear.events.withLock { $0 } }
    var messages: [(channel: String, payload: [UInt8])] { self.ear.messages.withLock { $0 } }

    func onLoop<Result: Sendable>(_ body: @escaping @Sendable (RedisSubscriberConnection) -> Result) async throws
        -> Result
    {
        try await self.group.next().submit { body(self.connection.value) }.get()
    }

    func stop() async throws {
        try await self.onLoop { $0.stop() }
        try await self.group.shutdownGracefully()
    }
}
