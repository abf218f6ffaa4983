// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
package import MartletProtocol

/// What came of something that a connection waits for, and that was done outside its shard.
package enum Completion: Sendable {
    case published(Result<StreamPosition?, BusError>)
    case history(Result<HistoryPage, BusError>)
    /// The position from which history was asked for is one of another epoch.
    case unrecoverable
    case presence(Result<[PresenceEntry], BusError>)
    case presenceStats(Result<PresenceStats, BusError>)
    /// What the back-end said to a question about the connection.
    case proxied(ProxyOutcome)
    /// What the authority over sessions, or its silence, means for a connection that wants to come in.
    case validated(isAdmitted: Bool)
    /// Whether the node that something was sent to is there.
    case relayed(Result<Bool, BusError>)
}
