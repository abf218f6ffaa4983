// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How a client is connected: the label `transport` of `martlet_connections`.
package enum Transport: String, CaseIterable, Sendable {
    case webSocket = "websocket"
    case eventStream = "event_stream"
}
