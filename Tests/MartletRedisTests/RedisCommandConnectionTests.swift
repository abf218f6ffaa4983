// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletRedis
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct RedisCommandConnectionTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func configuration(_ url: String) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(url: try RedisURL(url))
        configuration.backoffBase = .milliseconds(20)
        configuration.backoffCeiling = .milliseconds(100)
        configuration.connectTimeout = .milliseconds(500)
        configuration.commandTimeout = .seconds(10)
        return configuration
    }

    private func connection(_ configuration: RedisConfiguration) -> RedisCommandConnection {
        let connection = RedisCommandConnection(
            configuration: configuration, eventLoop: self.group.next(), logger: Logger(label: "test")
        ) { _, _ in }
        connection.start()
        return connection
    }

    private func isUp(_ connection: RedisCommandConnection) async -> Bool {
        await eventually { (try? await connection.command(["PING"])) == .status("PONG") }
    }

    @Test func answersCommands() async throws {
        let server = try await RedisServer()
        let connection = self.connection(try self.configuration(server.url))
        #expect(await self.isUp(connection))
        #expect(try await connection.command(["SET", "key", .bytes([0, 255])]) == .status("OK"))
        #expect(try await connection.command(["GET", "key"]) == .bytes([0, 255]))
        #expect(try await connection.command(["GET", "nothing"]) == .null)
        await #expect(throws: RedisError.self) { try await connection.command(["NOSUCHCOMMAND"]) }
        #expect(try await connection.command(["CLIENT", "GETNAME"]) == .bytes(Array("martlet".utf8)))
        #expect(await eventually { connection.waitingCount == 0 })
        connection.stop()
        #expect(await eventually { await self.fails(connection, .stopped) })
    }

    private func fails(_ connection: RedisCommandConnection, _ expected: RedisError) async -> Bool {
        do {
            _ = try await connection.command(["PING"])
            return false
        } catch {
            return error == expected
        }
    }

    @Test func keepsTheOrderOfAPipeline() async throws {
        let server = try await RedisServer()
        let connection = self.connection(try self.configuration(server.url))
        #expect(await self.isUp(connection))
        let replies = Mutex<[Int64]>([])
        for _ in 0..<50_000 {
            connection.send(["INCR", "counter"]) { result in
                if case .success(.integer(let value)) = result { replies.withLock { $0.append(value) } }
            }
        }
        #expect(await eventually(within: .seconds(30)) { replies.withLock { $0.count } == 50_000 })
        let isInOrder = replies.withLock { $0 } == Array(1...50_000)
        #expect(isInOrder)
        #expect(await eventually { connection.waitingCount == 0 })
        connection.stop()
    }

    @Test func refusesMoreThanMayWait() async throws {
        let server = try await RedisServer()
        var configuration = try self.configuration(server.url)
        configuration.commandTimeout = .seconds(2)
        configuration.commandsMax = 10
        configuration.commandBytesMax = 10_000
        let connection = self.connection(configuration)
        #expect(await self.isUp(connection))
        #expect(await eventually { connection.waitingCount == 0 })
        server.pause()
        let results = Mutex<[RedisError]>([])
        for _ in 0..<15 {
            connection.send(["PING"]) { result in
                if case .failure(let error) = result { results.withLock { $0.append(error) } }
            }
        }
        #expect(results.withLock { $0 } == Array(repeating: .overloaded, count: 5))
        #expect(await eventually { results.withLock { $0.count } == 15 })
        #expect(results.withLock { $0.suffix(10) } == Array(repeating: .timedOut, count: 10))
        server.resume()
        #expect(await self.isUp(connection))
        await #expect(throws: RedisError.overloaded) {
            try await connection.command(["SET", "k", .bytes(Array(repeating: 0, count: 10_000))])
        }
        connection.stop()
    }

    @Test func failsQuicklyWhileAwayAndComesBack() async throws {
        let server = try await RedisServer()
        let connection = self.connection(try self.configuration(server.url))
        #expect(await self.isUp(connection))
        server.kill()
        #expect(await eventually { await self.fails(connection, .unavailable) })
        let start = ContinuousClock.now
        for _ in 0..<100 {
            await #expect(throws: RedisError.unavailable) { try await connection.command(["PING"]) }
        }
        // Each would take two seconds if it waited for its time-out.
        #expect(ContinuousClock.now - start < .seconds(10))
        try await server.start()
        #expect(await self.isUp(connection))
        connection.stop()
    }

    @Test func failsWhatWaitsWhenRedisIsKilled() async throws {
        let server = try await RedisServer()
        let connection = self.connection(try self.configuration(server.url))
        #expect(await self.isUp(connection))
        server.pause()
        let failed = Atomic<Int>(0)
        for _ in 0..<1_000 {
            connection.send(["PING"]) { result in
                if case .failure(.connectionLost) = result { failed.add(1, ordering: .relaxed) }
            }
        }
        // Until they are under way.
        try await Task.sleep(for: .seconds(1))
        server.kill()
        #expect(await eventually { failed.load(ordering: .relaxed) == 1_000 })
        #expect(await eventually { connection.waitingCount == 0 })
        connection.stop()
    }

    @Test func authenticatesAndSelects() async throws {
        let server = try await RedisServer(arguments: ["--requirepass", "p@ss"])
        let port = server.port
        let connection = self.connection(try self.configuration("redis://:p%40ss@127.0.0.1:\(port)/5"))
        #expect(await self.isUp(connection))
        #expect(try await connection.command(["CLIENT", "INFO"]).text?.contains("db=5") == true)
        #expect(try await connection.command(["ACL", "SETUSER", "me", "on", ">word", "+@all", "~*"]) == .status("OK"))
        let other = self.connection(try self.configuration("redis://me:word@127.0.0.1:\(port)"))
        #expect(await self.isUp(other))
        #expect(try await other.command(["ACL", "WHOAMI"]).text == "me")
        let refused = Mutex<RedisError?>(nil)
        let wrong = RedisCommandConnection(
            configuration: try self.configuration("redis://:no@127.0.0.1:\(port)"), eventLoop: self.group.next(),
            logger: Logger(label: "test")
        ) { error, _ in refused.withLock { $0 = error } }
        wrong.start()
        #expect(
            await eventually {
                if case .refused(let text)? = refused.withLock({ $0 }) { text.hasPrefix("WRONGPASS") } else { false }
            })
        for connection in [connection, other, wrong] { connection.stop() }
    }

    @Test func speaksOverAUnixSocket() async throws {
        let server = try await RedisServer()
        let connection = self.connection(try self.configuration("unix://\(server.socketPath)?db=1"))
        #expect(await self.isUp(connection))
        connection.stop()
    }
}
