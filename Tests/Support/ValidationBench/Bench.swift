// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MartletCore
import MartletHTTP
import MartletInstruments
import MartletPolicy
import MartletSessions
import ServiceLifecycle

/// Asks a real authority about synthetic sessions and says what that cost: calls, and time of this process alone.
///
///     validation-bench URL [SESSIONS [SECONDS]]
@main
struct Bench {
    private static func metric(_ registry: MetricsRegistry, _ name: String) -> Int {
        let line = registry.exposition().split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Int($0.dropFirst(name.count + 1)) } ?? 0
    }

    /// User and system time of this process, in seconds.
    private static var processTime: Double {
        Double(clock()) / Double(CLOCKS_PER_SEC)
    }

    private static var residentBytes: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
    }

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 1 else {
            print("validation-bench URL [SESSIONS [SECONDS]]")
            exit(64)
        }
        let sessions = arguments.count > 2 ? Int(arguments[2]) ?? 100_000 : 100_000
        let seconds = arguments.count > 3 ? Int(arguments[3]) ?? 180 : 180
        Self.credentials(sessions)
        try await Self.run(url: arguments[1], sessions: sessions, seconds: seconds)
    }

    private static func identity(_ number: Int, credential: [UInt8]? = nil) -> Identity {
        Identity(
            user: "user-\(number)", session: "session-with-22-\(number)", token: "token-with-22-by-\(number)",
            issuedAt: 1_767_225_600, expiresAt: 1_767_312_000, credential: credential)
    }

    private static func run(url: String, sessions: Int, seconds: Int) async throws {
        var configuration = ValidationConfiguration()
        configuration.interval = .seconds(60)
        configuration.intervalDegraded = .seconds(60)
        let registry = MetricsRegistry()
        let metrics = SessionMetrics(registry)
        let roster = SessionRoster(configuration, metrics: metrics)
        let table = RevocationTable(max: 1_000_000, tokenLifetimeMax: .seconds(86_400), metrics: metrics)
        var authority = Authority(url: url)
        authority.pool = HTTPPool(connectionsMax: configuration.concurrencyMax)
        let service = ValidationService(
            configuration, validator: HTTPValidator(authority), roster: roster, revocations: table,
            missedPush: MissedPush(grace: .seconds(5)), isPushHealthy: { true },
            handlers: .init(onInvalid: { _ in }, onStale: { _ in }), metrics: metrics,
            logger: Logger(label: "bench"))
        for number in 0..<sessions { roster.opened(Self.identity(number)) }
        print("sessions: \(sessions), \(roster.bytes / sessions) bytes each in the roster")
        let group = ServiceGroup(services: [service], logger: Logger(label: "bench"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            // The first round tells of connecting and of memory that is taken once.
            try await Task.sleep(for: .seconds(60))
            let calls = { Self.metric(registry, "martlet_validation_calls_total{outcome=\"ok\"}") }
            let answers = { Self.metric(registry, "martlet_validations_total{outcome=\"active\"}") }
            let (time, firstCalls, firstAnswers) = (Self.processTime, calls(), answers())
            let start = ContinuousClock.now
            try await Task.sleep(for: .seconds(seconds))
            let elapsed = (ContinuousClock.now - start).inSeconds
            let minutes = elapsed / 60
            let share = (Self.processTime - time) / elapsed
            print("calls a minute: \(Self.rounded(Double(calls() - firstCalls) / minutes))")
            print("sessions answered a minute: \(Self.rounded(Double(answers() - firstAnswers) / minutes))")
            print("failed calls: \(Self.metric(registry, "martlet_validation_calls_total{outcome=\"failed\"}"))")
            print("overdue at the end: \(Self.metric(registry, "martlet_validation_overdue_sessions"))")
            print("share of a core: \(Self.rounded(share * 100)) %")
            let each = (Self.processTime - time) / Double(max(1, answers() - firstAnswers))
            print("time for each session: \(Self.rounded(each * 1e6)) us")
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    /// What it costs to keep tokens, as `validation.kind: introspection` does.
    private static func credentials(_ sessions: Int) {
        let token = [UInt8](repeating: 0x61, count: 320)
        func bytesEach(_ make: (Int) -> Identity) -> Int {
            let before = Self.residentBytes
            let identities = (0..<sessions).map(make)
            return withExtendedLifetime(identities) { (Self.residentBytes - before) / sessions }
        }
        // The greater first, so that the lesser reuses nothing of it.
        let with = bytesEach { number in
            var own = token
            own[0] = UInt8(truncatingIfNeeded: number)
            return Self.identity(number, credential: own)
        }
        print("identity that carries a token of \(token.count) bytes: \(with) bytes")
    }

    private static func rounded(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }
}
