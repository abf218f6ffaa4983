// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// The client's side of the opening handshake (RFC 6455 section 4.1), for tools that measure.
package struct WebSocketClientHandshake: Sendable {
    package enum Outcome: Hashable, Sendable {
        case needMore
        /// Frames begin after this many bytes.
        case accepted(length: Int, subprotocol: String?)
        /// The status of an answer that is no upgrade; zero for an answer that is not HTTP, or whose proof is wrong.
        case refused(status: Int)
    }

    package let request: [UInt8]
    private let expected: [UInt8]

    /// - Parameter nonce: 16 bytes, random.
    package init(
        host: String, target: String, nonce: [UInt8], subprotocols: [String] = [], fields: [HTTPField] = []
    ) {
        let key = Base64.encode(nonce.span)
        var text = "GET \(target) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \(String(decoding: key, as: UTF8.self))\r\n"
        if !subprotocols.isEmpty { text += "Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))\r\n" }
        for field in fields { text += "\(field.name): \(field.value)\r\n" }
        self.request = Array((text + "\r\n").utf8)
        self.expected = WebSocketHandshake.accept(key)
    }

    package func check(_ bytes: Span<UInt8>) -> Outcome {
        switch HTTPResponseHead.parse(bytes) {
        case .needMore: return .needMore
        case .invalid: return .refused(status: 0)
        case .head(let head):
            guard head.status == HTTPStatus.switchingProtocols.rawValue else { return .refused(status: head.status) }
            guard let accept = head.value(of: "sec-websocket-accept"), Array(accept.utf8) == self.expected else {
                return .refused(status: 0)
            }
            return .accepted(length: head.length, subprotocol: head.value(of: "sec-websocket-protocol"))
        }
    }
}
