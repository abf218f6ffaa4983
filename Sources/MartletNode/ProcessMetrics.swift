// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletInstruments

/// What the kernel says of this process, under the names that Prometheus' own clients use.
enum ProcessMetrics {
    static func register(_ registry: MetricsRegistry) {
        let started = Date().timeIntervalSince1970
        registry.reader("process_start_time_seconds", .gauge, "When the process started, in UNIX seconds.") { started }
        registry.reader("process_resident_memory_bytes", .gauge, "Resident memory.") {
            Self.status("VmRSS:").map { $0 * 1_024 } ?? 0
        }
        registry.reader("process_virtual_memory_bytes", .gauge, "Virtual memory.") {
            Self.status("VmSize:").map { $0 * 1_024 } ?? 0
        }
        registry.reader("process_open_fds", .gauge, "Open file descriptors.") {
            Double((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0)
        }
        registry.reader("process_cpu_seconds_total", .counter, "User and system CPU time.") { Self.cpuSeconds }
    }

    private static func status(_ name: String) -> Double? {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
    }

    /// The 14th and 15th fields of `stat`, in clock ticks of 10 ms (proc(5)).
    private static var cpuSeconds: Double {
        guard let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        let fields = text[end...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
        return (user + system) / 100
    }
}
