// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import Synchronization

/// One line on standard error, written over again each second.
final class ProgressLine: Sendable {
    private static let interval: Int64 = 1_000_000_000

    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let nextAt = Mutex<Int64>(0)

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func show(_ text: () -> String) {
        guard !self.isQuiet else { return }
        let isDue = self.nextAt.withLock { next in
            guard Clock.monotonic >= next else { return false }
            next = Clock.monotonic + Self.interval
            return true
        }
        if isDue { Self.write(self.isTerminal ? "\r\u{1B}[K\(text())" : "\(text())\n") }
    }

    func end() {
        if !self.isQuiet, self.isTerminal { Self.write("\n") }
    }

    private static func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
