// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// A real `redis-server` of the test's own: on a free port and a Unix socket, keeping nothing on disk.
package final class RedisServer: Sendable {
    package let port: Int
    package let socketPath: String
    private let directory: TemporaryDirectory
    private let arguments: [String]
    private let process = Mutex<RunningProcess?>(nil)

    /// - Parameter arguments: More of the server's options: `["--requirepass", "secret"]`.
    package init(arguments: [String] = []) async throws {
        self.directory = try TemporaryDirectory()
        self.port = try FreePort.find()
        self.socketPath = self.directory.path("redis.sock")
        self.arguments = arguments
        try await self.start()
    }

    deinit { self.kill() }

    package var url: String { "redis://127.0.0.1:\(self.port)" }

    /// Starts it again, where it was before, after `kill()`.
    package func start() async throws {
        let process = try RunningProcess(
            "redis-server",
            [
                "--port", "\(self.port)", "--bind", "127.0.0.1", "--unixsocket", self.socketPath, "--save", "",
                "--appendonly", "no", "--daemonize", "no", "--dir", self.directory.url.path,
            ] + self.arguments,
            log: self.directory.path("redis.log"))
        self.process.withLock { $0 = process }
        let isUp = try await eventually {
            guard process.isRunning else { throw TestSupportError("redis-server ended; see its log") }
            let answer = try await self.cli(["PING"])
            return answer.hasPrefix("PONG") || answer.contains("NOAUTH")
        }
        if !isUp { throw TestSupportError("redis-server does not answer") }
    }

    package func kill() { self.process.withLock { $0.take() }?.kill() }

    /// Lets it stand still: connections are made, nothing is answered.
    package func pause() { self.process.withLock { $0?.signal(SIGSTOP) } }
    package func resume() { self.process.withLock { $0?.signal(SIGCONT) } }

    /// What `redis-cli` answers.
    package func cli(_ arguments: [String], input: [UInt8] = []) async throws -> String {
        try await RunningProcess.output(of: "redis-cli", ["-p", "\(self.port)"] + arguments, input: input)
    }
}
