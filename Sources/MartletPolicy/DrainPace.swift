// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How fast a draining node ends its connections: evenly over a window, so that the cluster sees a steady number of
/// reconnects a second and no peak.
package struct DrainPace: Sendable {
    package let connections: Int
    private let window: Int64

    /// - Parameter connections: Open when the drain began.
    package init(connections: Int, window: Duration) {
        let (seconds, attoseconds) = window.components
        let milliseconds = max(0, min(seconds, 1_000_000)) * 1_000 + max(0, attoseconds / 1_000_000_000_000_000)
        self.connections = max(0, connections)
        self.window = milliseconds * 1_000_000
    }

    /// How many should have been closed when so many nanoseconds have passed since the drain began.
    package func due(after elapsed: Int64) -> Int {
        guard elapsed < self.window else { return self.connections }
        guard elapsed > 0 else { return 0 }
        return Int((Double(elapsed) / Double(self.window) * Double(self.connections)).rounded(.down))
    }

    /// How many to close now, where so many have been closed at this pace: who leaves by itself is not among them.
    package func toClose(after elapsed: Int64, closed: Int) -> Int { max(0, self.due(after: elapsed) - closed) }
}
