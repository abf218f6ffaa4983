// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Docs/Architecture.md")
struct ArchitectureTests {
    @Test("The table of targets is what Package.swift says")
    func targets() throws {
        var described: [String: Set<String>] = [:]
        for target in try PackageDescription.read().targets where target.path.hasPrefix("Sources/") {
            described[Self.short(target.name)] = Set(target.dependencies.map(Self.short))
        }
        var documented: [String: Set<String>] = [:]
        for line in try Repository.text("Docs/Architecture.md").split(separator: "\n") {
            guard let row = line.firstMatch(of: #/^\| \d \| (.+?) \| .+ \| (.+?) \|$/#) else { continue }
            let imports = row.2.split(separator: ", ").map(String.init).filter { $0 != "–" }
            for name in row.1.split(separator: ", ") {
                documented[Self.short(name.filter { $0 != "`" })] = Set(imports)
            }
        }
        #expect(documented.keys.sorted() == described.keys.sorted())
        for (name, imports) in described {
            #expect(documented[name]?.sorted() == imports.sorted(), "\(name)")
        }
    }

    /// `Core` for `MartletCore`.
    private static func short(_ name: String) -> String {
        name.hasPrefix("Martlet") ? String(name.dropFirst("Martlet".count)) : name
    }
}
