// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The files that the house rules are held against.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Those of `Sources` that people write.
    static let sources = swiftFiles(below: "Sources")
    static let tests = swiftFiles(below: "Tests")

    static func text(_ path: String) throws -> String {
        try String(contentsOf: self.root.appendingPathComponent(path), encoding: .utf8)
    }

    private static func swiftFiles(below folder: String) -> [SourceFile] {
        let paths = FileManager.default.enumerator(atPath: self.root.appendingPathComponent(folder).path)
        return (paths?.compactMap { $0 as? String } ?? []).filter(self.isWritten).sorted().compactMap {
            let path = "\(folder)/\($0)"
            return (try? self.text(path)).map { SourceFile(path: path, text: $0) }
        }
    }

    /// What a generator wrote, which says so in its name, follows the rules of the generator.
    private static func isWritten(_ path: String) -> Bool { path.hasSuffix(".swift") && !path.hasSuffix(".pb.swift") }
}
