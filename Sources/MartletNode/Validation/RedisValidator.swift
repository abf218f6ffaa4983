// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletRedis
import MartletSessions
import Synchronization

/// Looks sessions up in Redis: one command a session, all of a batch on their way at once, over a connection of its own.
struct RedisValidator: SessionValidator {
    /// What makes a session alive.
    enum Test: Sendable {
        /// Its key is there.
        case exists
        /// Its value is this, or has this in it.
        case equals([UInt8])
        case contains([UInt8])
    }

    /// The answers to one batch as they come.
    private struct Gathering {
        var outcomes: [ValidationOutcome]
        var missing: Int
        var failure: RedisError?
        var refusals = 0
    }

    private let template: RedisKeyTemplate
    private let test: Test
    private let connection: RedisCommandConnection

    init(configuration: RedisConfiguration, template: RedisKeyTemplate, test: Test, logger: Logger) {
        self.template = template
        self.test = test
        self.connection = RedisCommandConnection(configuration: configuration, logger: logger)
    }

    func start() { self.connection.start() }
    func shutdown() async { self.connection.stop() }

    func validate(_ sessions: [SessionToValidate]) async throws -> [ValidationOutcome] {
        guard !sessions.isEmpty else { return [] }
        return try await withCheckedThrowingContinuation { continuation in
            let gathering = Mutex(
                Gathering(outcomes: sessions.map { _ in .unknown }, missing: sessions.count))
            let box = Gatherer(gathering)
            for (index, session) in sessions.enumerated() {
                guard let command = self.command(for: session.identity) else {
                    box.take(.success(.null), at: index, continuation) { _ in .unknown }
                    continue
                }
                self.connection.send(command) { result in
                    box.take(result, at: index, continuation) { self.outcome($0) }
                }
            }
        }
    }

    /// Waits for the last answer of a batch.
    private final class Gatherer: Sendable {
        private let gathering: Mutex<Gathering>

        init(_ gathering: consuming sending Mutex<Gathering>) { self.gathering = gathering }

        func take(
            _ result: Result<RESPValue, RedisError>, at index: Int,
            _ continuation: CheckedContinuation<[ValidationOutcome], any Error>,
            _ outcome: (RESPValue) -> ValidationOutcome
        ) {
            let done = self.gathering.withLock { gathering -> Gathering? in
                switch result {
                case .success(let value): gathering.outcomes[index] = outcome(value)
                case .failure(.refused(let text)):
                    gathering.refusals += 1
                    // Of one key nothing follows for the others; of all of them it does.
                    if gathering.refusals == gathering.outcomes.count { gathering.failure = .refused(text) }
                case .failure(let error): gathering.failure = error
                }
                gathering.missing -= 1
                return gathering.missing == 0 ? gathering : nil
            }
            guard let done else { return }
            if let failure = done.failure {
                continuation.resume(throwing: failure)
            } else {
                continuation.resume(returning: done.outcomes)
            }
        }
    }

    private func command(for identity: Identity) -> [RESPArgument]? {
        guard let key = self.template.key(of: identity) else { return nil }
        return switch self.test {
        case .exists: ["EXISTS", .text(key)]
        case .equals, .contains: ["GET", .text(key)]
        }
    }

    private func outcome(_ reply: RESPValue) -> ValidationOutcome {
        switch (self.test, reply) {
        case (.exists, .integer(let count)): count > 0 ? .active : .revoked(reason: nil)
        case (.equals, .null), (.contains, .null): .revoked(reason: nil)
        case (.equals(let wanted), .bytes(let value)): value == wanted ? .active : .revoked(reason: nil)
        case (.contains(let wanted), .bytes(let value)):
            Self.contains(value, wanted) ? .active : .revoked(reason: nil)
        default: .unknown
        }
    }

    private static func contains(_ value: [UInt8], _ wanted: [UInt8]) -> Bool {
        guard wanted.count <= value.count else { return false }
        return (0...(value.count - wanted.count)).contains { value[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }
}
