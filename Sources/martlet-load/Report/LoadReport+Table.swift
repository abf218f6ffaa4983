// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The readable table.
extension LoadReport {
    var table: String {
        var rows: [(String, String)] = [
            ("clients", "\(self.clients) \(self.kind.rawValue), \(self.opened) opened, \(self.openAtEnd) at the end"),
            ("time", String(format: "%.1f s", self.seconds)),
        ]
        rows += Self.rows("refused", self.refused)
        rows += Self.rows("closed", self.closed)
        let came = "\(self.messages) in \(self.bytes) bytes, \(self.pings) pings, \(self.gaps) gaps told"
        rows.append(("messages", came))
        if let publishing = self.publishing {
            rows.append(("published", "\(publishing.published), \(publishing.failed) failed"))
            if let failure = publishing.lastFailure { rows.append(("last failure", failure)) }
            rows += Self.row("API answer", publishing.answerMicroseconds)
        }
        rows.append(("expected", "\(self.books.expected)"))
        rows.append(
            (
                "received",
                "\(self.books.received), lost \(self.books.lost), twice \(self.books.twice), "
                    + "out of order \(self.books.outOfOrder), foreign \(self.books.foreign)"
            ))
        for (channel, book) in self.unbalanced.sorted(by: { $0.key < $1.key }).prefix(10) {
            rows.append(("  \(channel)", "expected \(book.expected), received \(book.received), lost \(book.lost)"))
        }
        rows += Self.row("connect", self.connectMicroseconds)
        rows += Self.row("latency", self.latencyMicroseconds)
        rows += Self.row("event to close", self.eventToCloseMicroseconds)
        for sample in self.samples {
            let text = String(
                format: "%d open, user %.2f s, system %.2f s, PSS %d kB, RSS %d kB, anonymous %d kB", sample.open,
                sample.user, sample.system, sample.pssKilobytes, sample.rssKilobytes, sample.anonymousKilobytes)
            rows.append(("server at \(sample.name)", text))
        }
        rows += Self.row("CPU per connect", self.cpuMicrosecondsPerConnect, "us")
        rows += Self.row("CPU per delivery", self.cpuMicrosecondsPerDelivery, "us")
        rows += Self.row("user per delivery", self.userMicrosecondsPerDelivery, "us")
        rows += Self.row("PSS per client", self.pssBytesPerClient, "B")
        rows += Self.row("anonymous", self.anonymousBytesPerClient, "B per client")
        rows.append(("books", self.isBalanced ? "balance" : "DO NOT BALANCE"))
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { $0.0.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.1 + "\n" }.joined()
    }

    private static func rows(_ name: String, _ counts: [String: Int]) -> [(String, String)] {
        counts.sorted { $0.value > $1.value }.map { (name, "\($0.value) × \($0.key)") }
    }

    private static func row(_ name: String, _ latency: Latency?) -> [(String, String)] {
        guard let latency else { return [] }
        let text = [("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("max", latency.max)]
            .map { "\($0.0) \(Self.milliseconds($0.1))" }
        return [(name, "\(text.joined(separator: ", ")) of \(latency.count)")]
    }

    private static func row(_ name: String, _ value: Double?, _ unit: String) -> [(String, String)] {
        value.map { [(name, String(format: "%.2f %@", $0, unit))] } ?? []
    }

    private static func milliseconds(_ microseconds: Int) -> String {
        String(format: "%.2f ms", Double(microseconds) / 1_000)
    }
}
