// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Glibc
import Synchronization

/// A program that a test started; it is killed, by its own id, when nobody holds it any more.
package final class RunningProcess: Sendable {
    /// unsafe: Foundation's class is not Sendable; it is used under this lock only.
    private let process: Mutex<Process>
    package let pid: Int32

    /// - Parameters:
    ///   - program: A path, or a name that is looked for in `PATH`.
    ///   - log: Where its output goes; nil for nowhere.
    package init(_ program: String, _ arguments: [String], environment: [String: String] = [:], log: String? = nil)
        throws
    {
        let process = Process()
        process.executableURL = try Self.find(program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        if let log {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            guard let handle = FileHandle(forWritingAtPath: log) else { throw TestSupportError("no log \(log)") }
            process.standardOutput = handle
            process.standardError = handle
        }
        try process.run()
        self.pid = process.processIdentifier
        self.process = Mutex(process)
    }

    deinit { self.kill() }

    package var isRunning: Bool { self.process.withLock { $0.isRunning } }

    package func signal(_ number: Int32) {
        if self.isRunning { _ = Glibc.kill(self.pid, number) }
    }

    /// SIGKILL, and the end awaited.
    package func kill() {
        self.signal(SIGKILL)
        self.process.withLock { $0.waitUntilExit() }
    }

    /// Runs a program to its end with the input given, and returns what it wrote.
    package static func output(of program: String, _ arguments: [String], input: [UInt8] = []) async throws -> String {
        let url = try Self.find(program)
        return try await withCheckedThrowingContinuation { continuation in
            // Reading blocks, which no thread of the cooperative pool may do.
            Thread.detachNewThread {
                continuation.resume(with: Result { try Self.runToEnd(url, arguments, input) })
            }
        }
    }

    package static func find(_ program: String) throws -> URL {
        if program.contains("/") { return URL(fileURLWithPath: program) }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        for directory in path.split(separator: ":") {
            let candidate = "\(directory)/\(program)"
            if FileManager.default.isExecutableFile(atPath: candidate) { return URL(fileURLWithPath: candidate) }
        }
        throw TestSupportError("\(program) is not installed")
    }

    private static func runToEnd(_ url: URL, _ arguments: [String], _ input: [UInt8]) throws -> String {
        let process = Process()
        let (standardInput, standardOutput) = (Pipe(), Pipe())
        process.executableURL = url
        process.arguments = arguments
        process.standardInput = standardInput
        process.standardOutput = standardOutput
        process.standardError = FileHandle.nullDevice
        try process.run()
        let writing = standardInput.fileHandleForWriting
        Thread.detachNewThread {
            try? writing.write(contentsOf: input)
            try? writing.close()
        }
        let output = try standardOutput.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }
}
