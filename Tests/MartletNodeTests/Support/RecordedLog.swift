// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// Keeps what was logged, with its metadata.
final class RecordedLog: Sendable {
    private struct Handler: LogHandler {
        let log: RecordedLog
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let facts = (event.metadata ?? [:]).map { " \($0.key)=\($0.value)" }.sorted().joined()
            self.log.kept.withLock { $0.append((event.level, "\(event.message)\(facts)")) }
        }
    }

    private let kept = Mutex<[(level: Logger.Level, text: String)]>([])

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }
    var warnings: [String] { self.kept.withLock { $0.filter { $0.level == .warning }.map(\.text) } }
}
