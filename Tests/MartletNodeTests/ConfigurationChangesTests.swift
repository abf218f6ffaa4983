// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletNode

@Suite("A configuration that is read again")
struct ConfigurationChangesTests {
    /// Other than the default in every limit and in some keys of other sections.
    private static let other = """
        auth.hmac_secret: another
        api.keys: [other]
        drain.window: 7s
        namespaces:
          - name: chat
            history_size: 5
        limits:
        """

    private func other() throws -> NodeConfiguration {
        let lines = NodeConfiguration.limitKeys.map { key in
            let name = key.name.split(separator: ".").last ?? ""
            let value =
                switch key.kind {
                case _ where name == "event_channels_max": "31"
                case let kind where kind.contains("duration"): "11s"
                case let kind where kind.contains("byte"): "196608"
                default: "999"
                }
            return "  \(name): \(value)"
        }
        return try ConfigurationReader.read(file: ("martlet.yaml", Self.other + "\n" + lines.joined(separator: "\n")))
    }

    @Test("Exactly the live keys are taken over")
    func takingOver() throws {
        let old = try ConfigurationReader.read(
            file: ("martlet.yaml", "auth.hmac_secret: one\napi.keys: [one]\n"))
        let fresh = try self.other()
        let changes = old.changes(to: fresh)
        #expect(changes.live.contains("namespaces"))
        #expect(changes.live.contains("auth.hmac_secret") && changes.live.contains("limits.commands_per_second"))
        #expect(changes.fixed.contains("drain.window") && changes.fixed.contains("limits.mailbox_max"))
        // Every limit is in the one list or the other, so each was given another value above.
        let limits = Set(NodeConfiguration.limitKeys.map(\.name))
        #expect(limits.subtracting(changes.live).subtracting(changes.fixed).isEmpty)
        let result = old.takingOver(fresh)
        #expect(result.changes(to: fresh) == NodeConfiguration.Changes(live: [], fixed: changes.fixed))
        #expect(Set(old.changes(to: result).live) == Set(changes.live) && old.changes(to: result).fixed.isEmpty)
    }
}
