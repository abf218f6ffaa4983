// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletReactor

/// The whole run.
struct LoadPlan: Sendable {
    var clients: ClientPlan
    var api: APIPlan?
    var processes: Int
    var threads: Int
    /// Counts of clients to stop at on the way, for a sample of the server.
    var checkpoints: [Int]
    /// Seconds of quiet before each sample.
    var settle: Double
    /// Seconds of publishing, revoking or just holding, once all are there.
    var duration: Double
    var server: Int?
    var closesFile: String?
    var isQuiet: Bool
}
