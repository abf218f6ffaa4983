// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
package import Logging
package import NIOCore
import ServiceLifecycle

/// The internal listener: API, metrics, health, console and demo.
///
/// It belongs first in the service group: it answers `/healthz` and `/readyz` from before the node is ready until
/// after its last connection has gone.
package struct ControlServer: Service {
    private let configuration: ControlConfiguration
    private let operations: any NodeOperations
    private let eventLoopGroup: (any EventLoopGroup)?
    private let onListening: @Sendable (Int) async -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - eventLoopGroup: Where requests are served; nil means the process's shared one.
    ///   - onListening: Called with the port once connections are accepted.
    package init(
        configuration: ControlConfiguration, operations: any NodeOperations,
        eventLoopGroup: (any EventLoopGroup)? = nil, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.operations = operations
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let application = Application(
            router: ControlRouter.make(self.configuration, self.operations),
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(60),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16_384, maxHeaderListSize: 16_384, maxHeaderFieldCount: 100))),
            configuration: .init(
                address: .hostname(self.configuration.host, port: self.configuration.port),
                availableConnectionsDelegate: .maximum(self.configuration.connectionsMax, logger: self.logger)),
            onServerRunning: { [onListening] channel in await onListening(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: self.eventLoopGroup.map { .shared($0) } ?? .singleton,
            logger: self.logger)
        do {
            try await application.run()
        } catch let error as IOError {
            // Connections keep their errors to themselves, so this is of the listener.
            throw ControlListenError(host: self.configuration.host, port: self.configuration.port, cause: error)
        }
    }
}
