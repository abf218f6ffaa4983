// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MartletCore
import MartletNode

struct ConfigCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say whether a node would start, and where each key that is set comes from.")

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    private struct Answer: Encodable {
        struct Key: Encodable {
            let key: String
            let value: String
            let origin: String
        }

        let valid: Bool
        let development: Bool
        /// What works, and yet should not stay so.
        let warnings: [String]
        let keys: [Key]
    }

    func run() async throws {
        try await self.output.reporting {
            let configuration = try self.source.read(forNode: true)
            var keys = NodeConfiguration.keys.compactMap { key -> Answer.Key? in
                guard let origin = configuration.origins[key.name] else { return nil }
                return Answer.Key(
                    key: key.name, value: key.shownValue(in: configuration), origin: origin.description)
            }
            if let origin = configuration.origins["namespaces"] {
                let names = configuration.namespaces.map { $0.name.isEmpty ? "(none)" : $0.name }
                keys.append(
                    Answer.Key(
                        key: "namespaces", value: names.joined(separator: ","), origin: origin.description))
            }
            let mode = configuration.isDevelopment ? ", in development mode" : ""
            let warnings = configuration.concerns
            let lines =
                ["The configuration is good\(mode)."] + keys.map { "  \($0.key) = \($0.value)  (\($0.origin))" }
                + warnings.map { "Warning: \($0)" }
            try self.output.print(
                lines.joined(separator: "\n"),
                Answer(valid: true, development: configuration.isDevelopment, warnings: warnings, keys: keys))
        }
    }
}
