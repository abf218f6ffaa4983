// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Logging
import MartletControl
import MartletCore
import ServiceLifecycle
import UnixSignals

/// One Martlet process: from its configuration to its end.
package struct Node {
    /// Runs a node until it is told to end: SIGTERM or SIGINT drains it, a second one ends it at once.
    /// SIGHUP makes it read its configuration again.
    package static func serve(
        _ configuration: NodeConfiguration, logger: Logger,
        rereading read: @escaping @Sendable () throws -> NodeConfiguration
    ) async throws {
        let runtime = try NodeRuntime(configuration, logger: logger)
        let group = ServiceGroup(
            configuration: .init(
                services: runtime.services.map { .init(service: $0) }, logger: logger))
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await signal in signals {
                    if signal == .sighup {
                        runtime.reload(from: read)
                        continue
                    }
                    if runtime.life.isStopping { runtime.life.hurry() }
                    runtime.life.beginToStop()
                    await group.triggerGracefulShutdown()
                }
                try? await Task.sleep(for: .seconds(.max / 2))
            }
            tasks.addTask { try await group.run() }
            // The group's end is the node's; the signals never end by themselves.
            try await tasks.next()
            tasks.cancelAll()
        }
    }
}
