// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import MartletCore
import MartletNode

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run a node.",
        discussion: """
            Without any configuration it runs alone, on loopback, in development mode: the console is at \
            http://127.0.0.1:9000/. SIGTERM and SIGINT drain it; the second signal ends it at once.
            """)

    @OptionGroup var source: ConfigurationOptions

    @Option(
        name: .customLong("listen"), help: ArgumentHelp("listen.public: where clients connect.", valueName: "address"))
    var publicAddress: String?

    @Option(
        name: .customLong("internal"),
        help: ArgumentHelp("listen.internal: where API, metrics and console are served.", valueName: "address"))
    var internalAddress: String?

    @Option(help: ArgumentHelp("redis.urls: the Redis between nodes.", valueName: "url"))
    var redis: String?

    @Option(help: ArgumentHelp("log.level: the least that is logged.", valueName: "level"))
    var logLevel: String?

    @Flag(help: "Write the log as JSON (log.format: json).")
    var json = false

    func run() async throws {
        var output = OutputOptions()
        output.json = self.json
        try await output.reporting {
            let configuration = try self.source.read(flags: self.flags, forNode: true)
            let (level, format) = (configuration.log.level, configuration.log.format)
            LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level, isJSON: format == .json) }
            do {
                let (source, flags) = (self.source, self.flags)
                try await Node.serve(configuration, logger: Logger(label: "martlet")) {
                    try source.read(flags: flags, forNode: true)
                }
            } catch {
                throw Failure(.unavailable, "the node could not run: \(error)")
            }
        }
    }

    private var flags: [ConfigurationOptions.Setting] {
        let given: [(String, String?)] = [
            ("listen.public", self.publicAddress), ("listen.internal", self.internalAddress),
            ("redis.urls", self.redis), ("log.level", self.logLevel), ("log.format", self.json ? "json" : nil),
        ]
        return given.compactMap { key, value in value.map { ConfigurationOptions.Setting(key: key, value: $0) } }
    }
}
