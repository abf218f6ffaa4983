// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Logging
import MartletCore
import MartletHTTP
package import MartletInstruments
package import MartletProtocol
import ServiceLifecycle

/// The back-end that decides in the node's name, as threads that must not wait ask it: whatever happens, each question
/// has exactly one outcome, within its endpoint's time.
package final class BackendProxy: Sendable {
    private let endpoints: [ProxyMethod: ProxyEndpoint]
    private let pool: HTTPPool

    package init(_ configuration: ProxyConfiguration, metrics: MetricsRegistry, logger: Logger) {
        // Endpoints of one server must not take each other's connections.
        let pool = HTTPPool(connectionsMax: configuration.concurrencyMax * configuration.endpoints.count)
        self.pool = pool
        self.endpoints = Dictionary(
            uniqueKeysWithValues: configuration.endpoints.map { method, endpoint in
                (method, ProxyEndpoint(method, endpoint, configuration, pool: pool, metrics: metrics, logger: logger))
            })
    }

    /// Whether anybody is asked such questions.
    package func answers(_ method: ProxyMethod) -> Bool { self.endpoints[method] != nil }

    /// Never blocks.
    ///
    /// - Parameters:
    ///   - headers: Lines of the client's own request that go on to the back-end.
    ///   - completion: Called exactly once, on any thread; at once where the question is refused.
    package func ask(
        _ request: ProxyRequest, headers: [(name: String, value: String)] = [],
        completion: @escaping @Sendable (ProxyOutcome) -> Void
    ) {
        guard let endpoint = self.endpoints[request.method] else { return completion(.failed(.stopped)) }
        endpoint.ask(request.json, headers: headers, completion: completion)
    }

    /// Keeps connections until the node ends; what is asked later fails.
    package func run() async throws {
        try? await gracefulShutdown()
        await self.pool.shutdown()
    }
}
