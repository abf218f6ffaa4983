// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What came of something that a connection waits for, and that was done outside its shard.
package enum Completion: Sendable {
    case published(Result<StreamPosition?, BusError>)
    case history(Result<HistoryPage, BusError>)
    case presence(Result<[PresenceEntry], BusError>)
    case presenceStats(Result<PresenceStats, BusError>)
}
