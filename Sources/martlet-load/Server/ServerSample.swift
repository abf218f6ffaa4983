// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a process used up to a moment, as `/proc` has it.
struct ServerSample: Codable, Sendable {
    /// `start`, `open`, `end` or `closed`.
    var name: String
    /// Clients that were open.
    var open: Int
    /// Messages that clients had received.
    var messages: Int
    /// Seconds since the run began.
    var at: Double
    /// Seconds of CPU time.
    var user = 0.0
    var system = 0.0
    var pssKilobytes = 0
    var rssKilobytes = 0
    /// What is the process' own; the two above move with whoever else maps the same files.
    var anonymousKilobytes = 0

    var cpu: Double { self.user + self.system }

    /// Nil where there is no such process, or it is not ours to look at.
    init?(_ name: String, process: Int, open: Int, messages: Int, at: Double) {
        guard let stat = Self.text("/proc/\(process)/stat"), let afterName = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[afterName...].split(separator: " ")
        // Fields 14 and 15 of proc(5), in hundredths of a second; the name before them was cut off.
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return nil }
        self.name = name
        self.open = open
        self.messages = messages
        self.at = at
        self.user = user / 100
        self.system = system / 100
        for line in (Self.text("/proc/\(process)/smaps_rollup") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 1, let kilobytes = Int(words[1]) else { continue }
            if words[0] == "Pss:" { self.pssKilobytes = kilobytes }
            if words[0] == "Rss:" { self.rssKilobytes = kilobytes }
            if words[0] == "Anonymous:" { self.anonymousKilobytes = kilobytes }
        }
    }

    private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
