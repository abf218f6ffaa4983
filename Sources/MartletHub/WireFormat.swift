// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import MartletWire

/// The encodings a publication can leave in. Each is made at most once per publication and shard, on first use.
///
/// Those that end in `Chunked` stand inside one HTTP/1.1 chunk; their twins on a stream that ends with its connection.
package enum WireFormat: UInt8, CaseIterable, Sendable {
    /// Centrifuge JSON in a WebSocket text frame.
    case centrifugeJSON
    /// Centrifuge Protobuf in a WebSocket binary frame.
    case centrifugeProtobuf
    /// Centrifuge JSON in an event.
    case sse, sseChunked
    /// Centrifuge JSON on a line.
    case httpStream, httpStreamChunked
    /// Centrifuge Protobuf, each message with its length before it.
    case httpStreamProtobuf, httpStreamProtobufChunked
    /// The same in JSON without a reply around each push.
    case uniWebSocket
    case uniSSE, uniSSEChunked
    case uniHTTPStream, uniHTTPStreamChunked
    /// A JSON-RPC 2.0 notification in a WebSocket text frame.
    case jsonRPC
    /// An event for a bare `EventSource`, with its id where it has one.
    case eventStream, eventStreamChunked
    /// The same for a stream of several channels, whose id each connection puts behind it (`ShardEdge.sent`).
    case openEventStream, openEventStreamChunked

    /// Whether an event with an id is left without its end.
    var isOpen: Bool { self == .openEventStream || self == .openEventStreamChunked }

    /// How patches stand in it; nil where nobody can ask for them.
    var deltaEncoding: PublicationDelta.Encoding? {
        switch self {
        case .centrifugeJSON, .sse, .sseChunked, .httpStream, .httpStreamChunked: .json
        case .centrifugeProtobuf, .httpStreamProtobuf, .httpStreamProtobufChunked: .protobuf
        default: nil
        }
    }

    /// Puts an encoded message into what carries it.
    package func frame(_ message: [UInt8]) -> [UInt8] {
        switch self {
        case .centrifugeJSON, .uniWebSocket, .jsonRPC: WebSocketFrame.encode(.text, payload: message)
        case .centrifugeProtobuf: WebSocketFrame.encode(.binary, payload: message)
        case .sse, .uniSSE, .eventStream, .openEventStream: EventStreamEncoder.event(data: message)
        case .sseChunked, .uniSSEChunked, .eventStreamChunked, .openEventStreamChunked:
            ChunkedEncoding.chunk(EventStreamEncoder.event(data: message))
        case .httpStream, .uniHTTPStream: Self.line(message)
        case .httpStreamChunked, .uniHTTPStreamChunked: ChunkedEncoding.chunk(Self.line(message))
        case .httpStreamProtobuf: message
        case .httpStreamProtobufChunked: ChunkedEncoding.chunk(message)
        }
    }

    private static func line(_ message: [UInt8]) -> [UInt8] { message + [UInt8(ascii: "\n")] }
}
