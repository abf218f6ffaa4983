// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletHub

/// What is spoken on a connection once its request has been answered, and what carries it.
enum EdgeProtocol: UInt8, CaseIterable {
    /// The Centrifuge protocol on a WebSocket.
    case centrifuge, centrifugeProtobuf
    /// The same on a response that does not end; the client's commands come by `/emulation`.
    case sse, httpStream, httpStreamProtobuf
    /// The server's half of it alone, without replies.
    case uniWebSocket, uniSSE, uniHTTPStream
    case jsonRPC, events

    /// What is spoken, whatever carries it.
    enum Language {
        case centrifuge, jsonRPC, events
    }

    var language: Language {
        switch self {
        case .jsonRPC: .jsonRPC
        case .events: .events
        default: .centrifuge
        }
    }

    var transport: Transport {
        switch self {
        case .centrifuge, .centrifugeProtobuf, .jsonRPC: .webSocket
        case .sse: .sse
        case .httpStream, .httpStreamProtobuf: .httpStream
        case .uniWebSocket: .uniWebSocket
        case .uniSSE: .uniSSE
        case .uniHTTPStream: .uniHTTPStream
        case .events: .eventStream
        }
    }

    /// The label `protocol` of `martlet_connections`.
    var label: String {
        switch self.language {
        case .centrifuge: self.isProtobuf ? "centrifuge_protobuf" : "centrifuge_json"
        case .jsonRPC: "jsonrpc"
        case .events: "events"
        }
    }

    var isProtobuf: Bool { self == .centrifugeProtobuf || self == .httpStreamProtobuf }

    /// The client cannot write on the connection, but beside it.
    var isEmulated: Bool { self == .sse || self == .httpStream || self == .httpStreamProtobuf }

    /// The client says nothing after its request to connect.
    var isUnidirectional: Bool { self == .uniWebSocket || self == .uniSSE || self == .uniHTTPStream }

    /// Messages are events of `text/event-stream`.
    var isEventStream: Bool { self == .sse || self == .uniSSE || self == .events }

    /// Of the response that carries it.
    var contentType: String {
        if self.isEventStream { return "text/event-stream; charset=utf-8" }
        return self.isProtobuf ? "application/octet-stream" : "application/json; charset=utf-8"
    }

    /// Whether a client answers pings, in whatever way; of others only a failed write shows that they are gone.
    var answersPings: Bool { self != .events && self != .uniSSE && self != .uniHTTPStream }

    /// How publications leave.
    ///
    /// - Parameter hasOwnIDs: Whether each connection puts an id of its own behind an event.
    func format(isChunked: Bool, hasOwnIDs: Bool = false) -> WireFormat {
        switch self {
        case .centrifuge: .centrifugeJSON
        case .centrifugeProtobuf: .centrifugeProtobuf
        case .sse: isChunked ? .sseChunked : .sse
        case .httpStream: isChunked ? .httpStreamChunked : .httpStream
        case .httpStreamProtobuf: isChunked ? .httpStreamProtobufChunked : .httpStreamProtobuf
        case .uniWebSocket: .uniWebSocket
        case .uniSSE: isChunked ? .uniSSEChunked : .uniSSE
        case .uniHTTPStream: isChunked ? .uniHTTPStreamChunked : .uniHTTPStream
        case .jsonRPC: .jsonRPC
        case .events where hasOwnIDs: isChunked ? .openEventStreamChunked : .openEventStream
        case .events: isChunked ? .eventStreamChunked : .eventStream
        }
    }
}
