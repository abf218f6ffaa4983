// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A request of the server API that a node can do as it stands.
package enum APICommand: Equatable, Sendable {
    case publish(APIRequest.Publish)
    case broadcast(APIRequest.Broadcast)
    case subscribe(APIRequest.Subscribe)
    case unsubscribe(APIRequest.Unsubscribe)
    case disconnect(APIRequest.Disconnect)
    case refresh(APIRequest.Refresh)
    case connections(APIRequest.Connections)
    case presence(APIRequest.Channel)
    case presenceStats(APIRequest.Channel)
    case history(APIRequest.History)
    case historyRemove(APIRequest.Channel)
    case channels(APIRequest.Channels)
    case info
    case rpc(APIRequest.RPC)
    case revoke(APIRequest.Revoke)
    case drain(APIRequest.Drain)
    case revocations(APIRequest.Revocations)
    case explain(APIRequest.Explain)

    /// - Parameter body: JSON; nothing counts as an object without fields.
    package init(_ method: APIMethod, _ body: [UInt8]) throws(APIError) {
        let body = body.isEmpty ? Array("{}".utf8) : body
        switch method {
        case .publish: self = .publish(try APIRequest.Publish(body.span))
        case .broadcast: self = .broadcast(try APIRequest.Broadcast(body.span))
        case .subscribe: self = .subscribe(try APIRequest.Subscribe(body.span))
        case .unsubscribe: self = .unsubscribe(try APIRequest.Unsubscribe(body.span))
        case .disconnect: self = .disconnect(try APIRequest.Disconnect(body.span))
        case .refresh: self = .refresh(try APIRequest.Refresh(body.span))
        case .connections: self = .connections(try APIRequest.Connections(body.span))
        case .presence: self = .presence(try APIRequest.Channel(body.span))
        case .presenceStats: self = .presenceStats(try APIRequest.Channel(body.span))
        case .history: self = .history(try APIRequest.History(body.span))
        case .historyRemove: self = .historyRemove(try APIRequest.Channel(body.span))
        case .channels: self = .channels(try APIRequest.Channels(body.span))
        case .info: self = .info
        case .rpc: self = .rpc(try APIRequest.RPC(body.span))
        case .revoke: self = .revoke(try APIRequest.Revoke(body.span))
        case .drain: self = .drain(try APIRequest.Drain(body.span))
        case .revocations: self = .revocations(try APIRequest.Revocations(body.span))
        case .explain: self = .explain(try APIRequest.Explain(body.span))
        // Not a command, but a list of them.
        case .batch: throw APIError(.methodNotFound)
        }
    }
}
