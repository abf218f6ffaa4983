// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A Kafka client that shares no process with us.
enum Kcat {
    /// Produces one record a line.
    static func produce(_ lines: [String], to topic: String, of broker: Broker, _ options: String...) throws {
        let text = Data((lines.joined(separator: "\n") + "\n").utf8)
        _ = try self.run(["-P", "-b", broker.servers, "-t", topic] + options, input: text)
    }

    /// What a topic holds, one record a line.
    static func consume(_ topic: String, of broker: Broker, format: String) throws -> [String] {
        let output = try self.run(["-C", "-e", "-q", "-b", broker.servers, "-t", topic, "-f", format + "\n"])
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static func run(_ arguments: [String], input: Data? = nil) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "20", "kcat"] + arguments
        let output = Pipe()
        process.standardOutput = output
        // A file, as a pipe would have to be fed while the output is read.
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-kcat-\(UUID().uuidString)")
        try (input ?? Data()).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        process.standardInput = try FileHandle(forReadingFrom: file)
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Broker.Failure(text: "kcat \(arguments): status \(process.terminationStatus)")
        }
        return bytes
    }
}
