// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MartletNode

struct ConfigReferenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "Print every key, as Markdown or as JSON.")

    @OptionGroup var output: OutputOptions

    private struct Key: Encodable {
        let key: String
        let environment: String
        let value: String
        let `default`: String?
        let meaning: String
        let secret: Bool
    }

    func run() async throws {
        guard self.output.json else { return print(ConfigurationReference.markdown, terminator: "") }
        print(
            try OutputOptions.encode(
                NodeConfiguration.keys.map {
                    Key(
                        key: $0.name, environment: $0.environment, value: $0.kind, default: $0.defaultText,
                        meaning: $0.summary, secret: $0.isSecret)
                }))
    }
}
