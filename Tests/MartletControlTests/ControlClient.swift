// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import Logging
import MartletControl
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// Asks a control server that listens for the time of a closure.
struct ControlClient {
    struct Answer {
        var status: Int
        var headers: HTTPHeaders
        var body: String
    }

    let port: Int

    /// Serves on a free port of the loopback, and shuts down gracefully afterwards.
    static func serving(
        _ configuration: ControlConfiguration, _ operations: FakeOperations,
        _ body: @Sendable (ControlClient) async throws -> Void
    ) async throws {
        var configuration = configuration
        configuration.port = 0
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = ControlServer(configuration: configuration, operations: operations, logger: logger) { port in
            continuation.yield(port)
        }
        let services = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var iterator = ports.makeAsyncIterator()
            if let port = await iterator.next() { try await body(ControlClient(port: port)) }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    func get(_ path: String, _ headers: HTTPHeaders = [:]) async throws -> Answer {
        try await self.send(.GET, path, headers, nil)
    }

    /// - Parameter headers: With a content type of their own, or `application/json` is sent.
    func post(_ path: String, _ body: String, _ headers: HTTPHeaders = [:]) async throws -> Answer {
        var headers = headers
        if !headers.contains(name: "Content-Type") { headers.add(name: "Content-Type", value: "application/json") }
        return try await self.send(.POST, path, headers, body)
    }

    func send(_ method: HTTPMethod, _ path: String, _ headers: HTTPHeaders, _ body: String?) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(self.port)\(path)")
        request.method = method
        request.headers = headers
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let buffer = try await response.body.collect(upTo: 4_194_304)
        return Answer(status: Int(response.status.code), headers: response.headers, body: String(buffer: buffer))
    }
}
