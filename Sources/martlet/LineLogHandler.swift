// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MartletProtocol

/// Writes a line a fact to standard error, as text or as JSON.
struct LineLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let isJSON: Bool

    init(label: String, level: Logger.Level, isJSON: Bool) {
        self.label = label
        self.logLevel = level
        self.isJSON = isJSON
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = self.metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        let time = Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
        var line =
            self.isJSON ? self.json(event, facts, time: time + "Z") : Self.text(event, facts, time: time + "Z")
        line.append(UInt8(ascii: "\n"))
        FileHandle.standardError.write(Data(line))
    }

    private func json(_ event: LogEvent, _ facts: [(key: String, value: Logger.MetadataValue)], time: String) -> [UInt8]
    {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.member("time", time)
        writer.member("level", event.level.rawValue)
        writer.member("logger", self.label)
        writer.member("message", event.message.description)
        for fact in facts { writer.member(fact.key, fact.value.description) }
        writer.endObject()
        return writer.bytes
    }

    private static func text(
        _ event: LogEvent, _ facts: [(key: String, value: Logger.MetadataValue)], time: String
    ) -> [UInt8] {
        var line = "\(time) \(event.level.rawValue) \(event.message)"
        for fact in facts {
            let value = fact.value.description
            line += " \(fact.key)=\(value.contains(" ") || value.isEmpty ? value.debugDescription : value)"
        }
        // One line a fact, whatever a peer put into it.
        return line.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
    }
}
