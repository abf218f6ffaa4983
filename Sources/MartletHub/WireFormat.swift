// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The encodings a publication can leave in. Each is made at most once per publication and shard, on first use.
package enum WireFormat: UInt8, CaseIterable, Sendable {
    /// Centrifuge JSON in a WebSocket text frame.
    case centrifugeJSON
    /// A JSON-RPC 2.0 notification in a WebSocket text frame.
    case jsonRPC
    /// An event inside one HTTP/1.1 chunk.
    case eventStreamChunked
    /// An event on a stream that ends with its connection.
    case eventStream
}
