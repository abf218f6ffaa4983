// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What `swift package describe` says.
struct PackageDescription: Decodable {
    struct Target: Decodable {
        let name: String
        let path: String
        let targetDependencies: [String]?
        let productDependencies: [String]?

        /// What its files may import.
        var dependencies: Set<String> { Set((self.targetDependencies ?? []) + (self.productDependencies ?? [])) }
    }

    let targets: [Target]

    /// Only the manifest is read: a folder of its own keeps it clear of the build that runs this test.
    static func read() throws -> Self {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-tidy-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "--package-path", Repository.root.path, "--scratch-path", scratch.path,
            "--ignore-lock", "describe", "--type", "json",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Self.self, from: data)
    }
}
