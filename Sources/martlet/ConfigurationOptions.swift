// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MartletNode

/// Where the configuration comes from: `--config`, the environment, `--set`.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("YAML or JSON file; else the one MARTLET_CONFIG names.", valueName: "path"))
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Overrides a key of file and environment; may be given again.", valueName: "key=value"))
    var settings: [Setting] = []

    struct Setting: ExpressibleByArgument {
        let key: String
        let value: String

        init(key: String, value: String) {
            self.key = key
            self.value = value
        }

        init?(argument: String) {
            guard let equals = argument.firstIndex(of: "=") else { return nil }
            self.init(key: String(argument[..<equals]), value: String(argument[argument.index(after: equals)...]))
        }
    }

    /// - Parameters:
    ///   - flags: Keys that flags of their own set; `--set` comes before them.
    ///   - forNode: Whether a node will start with it.
    func read(flags: [Setting] = [], forNode: Bool) throws(ConfigurationError) -> NodeConfiguration {
        try ConfigurationReader.read(
            path: self.config, environment: ProcessInfo.processInfo.environment,
            flags: (flags + self.settings).map { ($0.key, $0.value) }, forNode: forNode)
    }
}
