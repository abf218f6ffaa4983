// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// How clients talk to the server.
enum ClientKind: String, Codable, CaseIterable, ExpressibleByArgument, Sendable {
    /// JSON-RPC 2.0 on `/ws`.
    case jsonRPC = "jsonrpc"
    /// Centrifuge's JSON protocol on `/connection/websocket`.
    case centrifuge
    /// A plain event stream on `/events`.
    case events
    /// A WebSocket of a server that sends to everybody who is connected.
    case bareWebSocket = "bare-websocket"
    /// An event stream of such a server.
    case bareEvents = "bare-events"

    var isEventStream: Bool { self == .events || self == .bareEvents }
    var isBare: Bool { self == .bareWebSocket || self == .bareEvents }

    func path(channel: String) -> String {
        switch self {
        case .jsonRPC: "/ws"
        case .centrifuge: "/connection/websocket"
        case .events: "/events?channel=\(channel)"
        case .bareWebSocket, .bareEvents: "/"
        }
    }
}
