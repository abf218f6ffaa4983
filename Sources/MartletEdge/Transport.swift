// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How a client is connected: the label `transport` of `martlet_connections`.
package enum Transport: String, CaseIterable, Sendable {
    case webSocket = "websocket"
    case sse
    case httpStream = "http_stream"
    case uniWebSocket = "uni_websocket"
    case uniSSE = "uni_sse"
    case uniHTTPStream = "uni_http_stream"
    case eventStream = "event_stream"
}
