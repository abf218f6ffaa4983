// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Imports")
struct ImportTests {
    private static let toolchain: Set = [
        "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Synchronization", "Testing",
    ]
    private static let systemLibraries = [
        "CHiredis": "MartletRedis", "CLinux": "MartletReactor", "CRdKafka": "MartletKafka",
    ]

    @Test("A target imports what Package.swift says it depends on, and nothing else")
    func declared() throws {
        for target in try PackageDescription.read().targets where target.path.hasPrefix("Sources/") {
            let allowed = target.dependencies.union(Self.toolchain)
            for file in Repository.sources where file.target == target.name {
                for name in Self.imports(of: file) where !allowed.contains(name) {
                    Issue.record("\(file): \(name) is no dependency of \(target.name) in Package.swift")
                }
            }
        }
    }

    @Test("A system library is imported in the one target that wraps it")
    func systemLibraries() {
        for file in Repository.sources {
            for name in Self.imports(of: file) {
                guard let owner = Self.systemLibraries[name] else { continue }
                #expect(file.target == owner, "\(file): \(name) belongs to \(owner)")
            }
        }
    }

    private static func imports(of file: SourceFile) -> [String] {
        file.lines.filter { $0.contains("import ") }.compactMap { line in
            let statement =
                #/^(?:@[a-zA-Z_]+ )*(?:package |private |internal )?import (?:struct |class |enum |func )?([A-Za-z0-9_]+)/#
            return line.firstMatch(of: statement).map { String($0.1) }
        }
    }
}
