// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import Testing

@testable import MartletNode

@Suite("The reference of the configuration")
struct ConfigurationReferenceTests {
    @Test("Every key has a name of its own, a meaning, and a row")
    func rows() {
        let names = NodeConfiguration.keys.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(NodeConfiguration.keys.map(\.environment)).count == names.count)
        let text = ConfigurationReference.markdown
        for key in NodeConfiguration.keys {
            #expect(key.summary.hasSuffix("."), "\(key.name)")
            #expect(text.contains("| `\(key.name)` | `\(key.environment)` |"), "\(key.name)")
        }
        #expect(text.contains("| `drain.window` | `MARTLET_DRAIN_WINDOW` | duration | `20s` |"))
        #expect(text.contains("| `limits.pending_bytes_max` | `MARTLET_LIMITS_PENDING_BYTES_MAX` | bytes | `1MiB` |"))
    }

    @Test("Every field of Limits has a key")
    func limits() {
        let fields = Mirror(reflecting: Limits()).children.count
        #expect(NodeConfiguration.keys.filter { $0.name.hasPrefix("limits.") }.count == fields)
    }

    @Test("Every default can be written and read back")
    func defaults() throws {
        for key in NodeConfiguration.keys where !key.hasComputedDefault {
            let text = try #require(key.defaultText)
            let configuration = try ConfigurationReader.read(flags: [(key.name, text)])
            #expect(key.read(configuration) == text, "\(key.name)")
        }
    }

    @Test("Docs/Configuration.md is what martlet config reference prints")
    func document() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let document = try String(contentsOf: root.appendingPathComponent("Docs/Configuration.md"), encoding: .utf8)
        #expect(document == ConfigurationReference.markdown, "run: martlet config reference > Docs/Configuration.md")
    }
}
