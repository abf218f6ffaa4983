// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Between a channel and the link it belongs to: bytes in, replies out.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Nil once the channel ended, which also ends the ring of references.
    private var link: RedisLink?
    private let attempt: Int
    private let parser: RESPParser

    init(link: RedisLink, attempt: Int, parser: RESPParser) {
        self.link = link
        self.attempt = attempt
        self.parser = parser
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let link = self.link else { return }
        let buffer = self.unwrapInboundIn(data)
        do {
            try self.parser.parse(buffer.readableBytesUInt8Span) { link.received($0, attempt: self.attempt) }
        } catch {
            self.end(error, context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.link?.readCompleted(attempt: self.attempt)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end(.connectionLost("closed by Redis"), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.end(RedisError(channelError: error), context)
    }

    private func end(_ error: RedisError, _ context: ChannelHandlerContext) {
        guard let link = self.link else { return }
        self.link = nil
        link.end(attempt: self.attempt, error)
        context.close(promise: nil)
    }
}
