// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore

/// One line on standard error, written over again each second.
final class ProgressLine {
    private static let interval: Int64 = 1_000_000_000

    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var nextAt: Int64 = 0

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func show(_ text: () -> String) {
        guard !self.isQuiet, Clock.monotonic >= self.nextAt else { return }
        self.nextAt = Clock.monotonic + Self.interval
        Self.write(self.isTerminal ? "\r\u{1B}[K\(text())" : "\(text())\n")
    }

    func end() {
        if !self.isQuiet, self.isTerminal { Self.write("\n") }
    }

    private static func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
