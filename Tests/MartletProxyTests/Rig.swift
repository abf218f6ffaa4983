// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletInstruments
import MartletProtocol
import TestSupport

@testable import MartletProxy

/// A proxy and the real HTTP server that it asks, for every method under its name.
struct Rig: Sendable {
    let proxy: BackendProxy
    let server: TestHTTPServer
    let metrics: MetricsRegistry

    static func run<Result: Sendable>(
        _ adjust: @Sendable (inout ProxyConfiguration) -> Void = { _ in },
        answering respond: @escaping @Sendable (TestHTTPServer.Request) -> TestHTTPServer.Response,
        _ body: @Sendable (Rig) async throws -> Result
    ) async throws -> Result {
        try await TestHTTPServer.run(respond) { server in
            var configuration = ProxyConfiguration()
            for method in ProxyMethod.allCases {
                configuration.endpoints[method] = .init(url: server.url("/\(method.rawValue)"), timeout: .seconds(5))
            }
            adjust(&configuration)
            let metrics = MetricsRegistry()
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let proxy = BackendProxy(configuration, metrics: metrics, logger: logger)
            let running = Task { try await proxy.run() }
            let outcome = await Swift.Result.catching {
                try await body(Rig(proxy: proxy, server: server, metrics: metrics))
            }
            running.cancel()
            try await running.value
            return try outcome.get()
        }
    }

    func ask(
        _ question: ProxyRequest.Question, headers: [(name: String, value: String)] = []
    ) async -> ProxyOutcome {
        let client = ProxyClient(client: "c", transport: "websocket", user: "u")
        return await withCheckedContinuation { continuation in
            self.proxy.ask(ProxyRequest(question, client: client), headers: headers) {
                continuation.resume(returning: $0)
            }
        }
    }

    /// A line of the exposition, by its name and labels.
    func metric(_ name: String) -> String? {
        self.metrics.exposition().split(separator: "\n").first { $0.hasPrefix(name + " ") }
            .flatMap { $0.split(separator: " ").last }.map(String.init)
    }
}

extension Result where Failure == any Error {
    fileprivate static func catching(_ body: () async throws -> Success) async -> Self {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}

extension ProxyOutcome {
    var answer: ProxyAnswer? {
        guard case .answered(let answer, _) = self else { return nil }
        return answer
    }
}
