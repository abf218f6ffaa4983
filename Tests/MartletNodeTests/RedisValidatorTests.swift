// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletRedis
import MartletSessions
import TestSupport
import Testing

@testable import MartletNode

@Suite(.serialized, .timeLimit(.minutes(2)))
struct RedisValidatorTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func sessions(_ names: String...) -> [SessionToValidate] {
        names.map { SessionToValidate(identity: Identity(user: "u-\($0)", session: $0, token: "t-\($0)", issuedAt: 1)) }
    }

    private static func run(
        _ server: RedisServer, _ template: String, _ test: RedisValidator.Test = .exists,
        _ body: (RedisValidator) async throws -> Void
    ) async throws {
        let template = try #require(RedisKeyTemplate(template))
        let validator = RedisValidator(
            configuration: RedisConfiguration(url: try RedisURL(server.url)), template: template, test: test,
            logger: Self.logger)
        validator.start()
        let isUp = await eventually {
            (try? await validator.validate(Self.sessions("nobody"))) != nil
        }
        #expect(isUp)
        try await body(validator)
        await validator.shutdown()
    }

    @Test func whatItsKeySaysOfASession() async throws {
        let server = try await RedisServer()
        let writer = RedisCommandConnection(
            configuration: RedisConfiguration(url: try RedisURL(server.url)), logger: Self.logger)
        writer.start()
        #expect(
            await eventually { (try? await writer.command(["SET", "session:a:u-a", "active;eu"])) == .status("OK") })
        _ = try await writer.command(["SET", "session:b:u-b", "active"])
        _ = try await writer.command(["SET", "jti:t-a", ""])
        _ = try await writer.command(["RPUSH", "session:list:u-list", "x"])
        let dead = ValidationOutcome.revoked(reason: nil)
        try await Self.run(server, "session:{session}:{user}") { validator in
            let outcomes = try await validator.validate(Self.sessions("a", "b", "c", "list"))
            #expect(outcomes == [.active, .active, dead, .active])
        }
        try await Self.run(server, "session:{session}:{user}", .equals(Array("active".utf8))) { validator in
            // Of a key that holds something else nothing follows, for it or for others.
            let outcomes = try await validator.validate(Self.sessions("a", "b", "c", "list"))
            #expect(outcomes == [dead, .active, dead, .unknown])
            await #expect(throws: RedisError.self) { try await validator.validate(Self.sessions("list")) }
        }
        try await Self.run(server, "session:{session}:{user}", .contains(Array("eu".utf8))) { validator in
            let outcomes = try await validator.validate(Self.sessions("a", "b", "c"))
            #expect(outcomes == [.active, dead, dead])
        }
        try await Self.run(server, "jti:{token}") { validator in
            let anonymous = SessionToValidate(identity: Identity(user: "u", session: "a"))
            let outcomes = try await validator.validate(Self.sessions("a", "b") + [anonymous])
            #expect(outcomes == [.active, dead, .unknown])
            let none = try await validator.validate([])
            #expect(none.isEmpty)
        }
        writer.stop()
    }

    @Test func withoutRedisNothingIsKnown() async throws {
        var configuration = RedisConfiguration(url: try RedisURL("redis://127.0.0.1:1"))
        configuration.connectTimeout = .milliseconds(200)
        let template = try #require(RedisKeyTemplate("{session}"))
        let validator = RedisValidator(
            configuration: configuration, template: template, test: .exists, logger: Self.logger)
        validator.start()
        await #expect(throws: RedisError.self) { try await validator.validate(Self.sessions("a", "b")) }
        await validator.shutdown()
    }

    @Test(arguments: ["", "session", "{session", "session}", "{sid}", "{}", "a{user}b}", "{user}{"])
    func templatesThatNameNobodyAreRefused(_ template: String) { #expect(RedisKeyTemplate(template) == nil) }

    @Test func templatesNameWhatCountsAsOne() throws {
        let identity = Identity(user: "u", session: "s", token: "t", issuedAt: 1)
        #expect(RedisKeyTemplate("a:{session}:{user}:{token}:z")?.key(of: identity) == "a:s:u:t:z")
        #expect(RedisKeyTemplate("{session}")?.unit == .session)
        #expect(RedisKeyTemplate("{user}{token}")?.unit == .token)
        #expect(RedisKeyTemplate("{session}")?.key(of: Identity(user: "u", issuedAt: 5)) == "u@5")
        #expect(RedisKeyTemplate("{token}")?.key(of: Identity(user: "u", session: "s")) == nil)
    }
}
