// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The connection that a back-end is asked about.
package struct ProxyClient: Equatable, Sendable {
    package enum Encoding: String, Sendable {
        case json, protobuf
    }

    /// Its identifier, as the client itself knows it.
    package var client: String
    /// `websocket`, `sse`, `http_stream`, …
    package var transport: String
    /// What is spoken on it.
    package var encoding: Encoding
    package var user: String
    /// What the answer to its connect gave as `meta`, or nil.
    package var meta: [UInt8]?

    package init(
        client: String, transport: String, encoding: Encoding = .json, user: String = "", meta: [UInt8]? = nil
    ) {
        self.client = client
        self.transport = transport
        self.encoding = encoding
        self.user = user
        self.meta = meta
    }
}
