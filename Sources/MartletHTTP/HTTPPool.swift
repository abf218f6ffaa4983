// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import Synchronization

/// Connections to servers that many calls go to, kept and used again. Must be shut down when it was used.
package final class HTTPPool: Sendable {
    package struct Ended: Error {}

    private enum State {
        case unused
        case open(HTTPClient)
        case ended
    }

    private let connectionsMax: Int
    private let tls: HTTPTLS?
    private let state = Mutex<State>(.unused)

    /// - Parameters:
    ///   - connectionsMax: Connections kept to one server.
    ///   - tls: Nil for the system's authorities, and no certificate of the node's own.
    package init(connectionsMax: Int, tls: HTTPTLS? = nil) {
        self.connectionsMax = max(1, connectionsMax)
        self.tls = tls
    }

    package func shutdown() async {
        let client: HTTPClient? = self.state.withLock { state in
            defer { state = .ended }
            guard case .open(let client) = state else { return nil }
            return client
        }
        try? await client?.shutdown()
    }

    /// The client, made with the first call: a node that calls nobody has none.
    func client() throws(Ended) -> HTTPClient {
        let client: HTTPClient? = self.state.withLock { state in
            switch state {
            case .ended: return nil
            case .open(let client): return client
            case .unused:
                let client = self.make()
                state = .open(client)
                return client
            }
        }
        guard let client else { throw Ended() }
        return client
    }

    private func make() -> HTTPClient {
        var pool = HTTPClient.Configuration.ConnectionPool(idleTimeout: .seconds(30))
        pool.concurrentHTTP1ConnectionsPerHostSoftLimit = self.connectionsMax
        let configuration = HTTPClient.Configuration(
            tlsConfiguration: self.tls?.configuration,
            // Who is asked was configured: an answer from elsewhere is none, and what was sent there must not go on.
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)), connectionPool: pool)
        return HTTPClient(configuration: configuration)
    }
}
