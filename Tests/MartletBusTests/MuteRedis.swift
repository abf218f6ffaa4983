// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletRedis
import NIOCore
import NIOPosix

/// Takes commands as Redis does, acknowledges subscriptions, answers pings, and never brings a message: what a proxy
/// between node and Redis, or a fail-over, can make of a connection.
final class MuteRedis: Sendable {
    let port: Int
    private let channel: any Channel

    init() async throws {
        self.channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(parser: RESPParser()))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = self.channel.localAddress?.port ?? 0
    }

    deinit { self.channel.close(promise: nil) }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let parser: RESPParser

        init(parser: RESPParser) { self.parser = parser }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = self.unwrapInboundIn(data)
            var answer = ByteBuffer()
            try? self.parser.parse(buffer.readableBytesUInt8Span) { command in
                guard case .array(let parts) = command else { return false }
                self.answer(parts.compactMap(\.text), into: &answer)
                return true
            }
            context.writeAndFlush(NIOAny(answer), promise: nil)
        }

        private func answer(_ parts: [String], into answer: inout ByteBuffer) {
            switch parts.first {
            case "PING": answer.writeString("+PONG\r\n")
            case "CLIENT": answer.writeString("+OK\r\n")
            case "PUBLISH": answer.writeString(":1\r\n")
            case "SUBSCRIBE":
                for name in parts.dropFirst() {
                    answer.writeString("*3\r\n$9\r\nsubscribe\r\n$\(name.utf8.count)\r\n\(name)\r\n:1\r\n")
                }
            default: answer.writeString("-ERR\r\n")
            }
        }
    }
}
