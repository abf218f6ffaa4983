// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A Kafka-protocol broker in a process of its own.
final class Broker {
    struct Failure: Error {
        var text: String
    }

    let servers: String
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    /// - Parameter topics: Each with its number of partitions.
    init(brokers: Int = 1, topics: KeyValuePairs<String, Int> = [:]) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        self.process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent()
            .appendingPathComponent("kafka-broker")
        self.process.arguments =
            ["--exit-on-eof", "--brokers", "\(brokers)"] + topics.flatMap { ["--topic", "\($0.key):\($0.value)"] }
        self.process.standardInput = self.input
        self.process.standardOutput = self.output
        try self.process.run()
        let first = try Self.line(from: self.output)
        let prefix = "bootstrap.servers="
        guard first.hasPrefix(prefix) else { throw Failure(text: first) }
        self.servers = String(first.dropFirst(prefix.count))
    }

    /// The process stops where it is: connections stay and nothing is answered.
    func freeze() { kill(self.process.processIdentifier, SIGSTOP) }
    func thaw() { kill(self.process.processIdentifier, SIGCONT) }

    deinit {
        self.thaw()
        try? self.input.fileHandleForWriting.close()
        self.process.waitUntilExit()
        try? self.output.fileHandleForReading.close()
    }

    /// Throws what the broker answers, unless it is `ok`.
    func perform(_ command: String) throws {
        try self.input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
        let answer = try Self.line(from: self.output)
        guard answer == "ok" else { throw Failure(text: "\(command): \(answer)") }
    }

    private static func line(from pipe: Pipe) throws -> String {
        var bytes: [UInt8] = []
        while let byte = try pipe.fileHandleForReading.read(upToCount: 1)?.first, byte != UInt8(ascii: "\n") {
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
