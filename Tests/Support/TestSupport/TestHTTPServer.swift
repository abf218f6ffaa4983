// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A real HTTP server on a free loopback port that answers as its test says.
package final class TestHTTPServer: Sendable {
    package struct Request: Sendable {
        package var path: String
        /// By name in lower case.
        package var headers: [String: String]
        package var body: [UInt8]

        package var text: String { String(decoding: self.body, as: UTF8.self) }
    }

    package struct Response: Sendable {
        package var status = 200
        package var body: [UInt8] = []
        package var delay: Duration = .zero
        package var headers: [String: String] = [:]

        package init(status: Int = 200, _ body: String = "", delay: Duration = .zero) {
            self.status = status
            self.body = Array(body.utf8)
            self.delay = delay
        }
    }

    private let channel: any Channel
    private let seen: Requests

    private final class Requests: Sendable {
        let list = Mutex<[Request]>([])
        let accepted = Atomic<Int>(0)
    }

    private init(_ channel: any Channel, _ seen: Requests) {
        self.channel = channel
        self.seen = seen
    }

    package var port: Int { self.channel.localAddress?.port ?? 0 }
    package func url(_ path: String) -> String { "http://127.0.0.1:\(self.port)\(path)" }
    package var requests: [Request] { self.seen.list.withLock { $0 } }
    /// Connections that came.
    package var accepted: Int { self.seen.accepted.load(ordering: .relaxed) }

    package static func run<Result: Sendable>(
        _ respond: @escaping @Sendable (Request) -> Response,
        _ body: @Sendable (TestHTTPServer) async throws -> Result
    ) async throws -> Result {
        let seen = Requests()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                seen.accepted.add(1, ordering: .relaxed)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { request in
                            seen.list.withLock { $0.append(request) }
                            return respond(request)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = TestHTTPServer(channel, seen)
        do {
            let result = try await body(server)
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let respond: @Sendable (Request) -> Response
        private var request = Request(path: "", headers: [:], body: [])

        init(_ respond: @escaping @Sendable (Request) -> Response) { self.respond = respond }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                let headers = Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { $1 }
                self.request = Request(path: head.uri, headers: headers, body: [])
            case .body(let buffer): self.request.body += buffer.readableBytesView
            case .end:
                let response = self.respond(self.request)
                let channel = context.channel
                let delay = TimeAmount.milliseconds(Int64(response.delay / .milliseconds(1)))
                context.eventLoop.scheduleTask(in: delay) { Self.write(response, to: channel) }
            }
        }

        private static func write(_ response: Response, to channel: any Channel) {
            var headers: HTTPHeaders = ["content-length": "\(response.body.count)", "content-type": "application/json"]
            for (name, value) in response.headers { headers.replaceOrAdd(name: name, value: value) }
            let status = HTTPResponseStatus(statusCode: response.status)
            channel.write(
                HTTPServerResponsePart.head(.init(version: .http1_1, status: status, headers: headers)), promise: nil)
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: response.body))), promise: nil)
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }
    }
}
