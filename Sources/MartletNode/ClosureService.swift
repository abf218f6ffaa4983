// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ServiceLifecycle

/// Makes a service of a function that runs until it is cancelled.
struct ClosureService: Service {
    private let body: @Sendable () async throws -> Void

    init(_ body: @escaping @Sendable () async throws -> Void) { self.body = body }

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await self.body() }
    }

    /// Calls `body` every `interval`.
    static func every(_ interval: Duration, _ body: @escaping @Sendable () async -> Void) -> ClosureService {
        ClosureService {
            while !Task.isCancelled {
                await body()
                guard (try? await Task.sleep(for: interval)) != nil else { return }
            }
        }
    }
}
