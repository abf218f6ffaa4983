// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The methods of the server API, by the last part of their path.
package enum APIMethod: String, CaseIterable, Sendable {
    case publish, broadcast
    case subscribe, unsubscribe, disconnect, refresh, connections
    case presence, history, channels, info, batch, rpc, revoke, revocations, explain, drain
    case presenceStats = "presence_stats"
    case historyRemove = "history_remove"

    /// The fields of its body; those of an object within it stand after the object's name and a dot.
    package var fields: [String] {
        switch self {
        case .publish: APIRequest.Publish.fields
        case .broadcast: APIRequest.Broadcast.fields
        case .subscribe: APIRequest.Subscribe.fields
        case .unsubscribe: APIRequest.Unsubscribe.fields
        case .disconnect: APIRequest.Disconnect.fields
        case .refresh: APIRequest.Refresh.fields
        case .connections: APIRequest.Connections.fields
        case .presence, .presenceStats, .historyRemove: APIRequest.Channel.fields
        case .history: APIRequest.History.fields
        case .channels: APIRequest.Channels.fields
        case .info: []
        case .batch: APIRequest.Batch.fields
        case .rpc: APIRequest.RPC.fields
        case .revoke: APIRequest.Revoke.fields
        case .drain: APIRequest.Drain.fields
        case .revocations: APIRequest.Revocations.fields
        case .explain: APIRequest.Explain.fields
        }
    }

    /// Whether it may stand in a batch.
    package var isBatchable: Bool { self != .batch }
}
