// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// The opening handshake (RFC 6455 section 4).
package enum WebSocketHandshake {
    package enum Outcome: Hashable, Sendable {
        /// The value of `Sec-WebSocket-Accept` to answer with.
        case accepted([UInt8])
        case refused(HTTPRefusal)
    }

    /// What of the offered subprotocols concerns us.
    package struct Subprotocols: Hashable, Sendable {
        /// The first offered one that is supported; it is echoed.
        package var chosen: String?
        /// The token of an offer `bearer.<token>`. Pages cannot set headers of a WebSocket, so a token may come this
        /// way; it is never echoed.
        package var bearer: Range<Int>?
    }

    private static let bearerPrefix = "bearer."

    /// Whether a request that is meant for a WebSocket's path is a handshake we can finish.
    package static func check(_ head: HTTPRequestHead, in bytes: Span<UInt8>) -> Outcome {
        guard head.method == .get else {
            return .refused(
                HTTPRefusal(.methodNotAllowed, "A WebSocket is opened with GET.", fields: [HTTPField("Allow", "GET")]))
        }
        guard head.upgradesToWebSocket, head.connection.contains(.upgrade), head.minorVersion >= 1 else {
            let fields = [HTTPField("Upgrade", "websocket"), HTTPField("Sec-WebSocket-Version", "13")]
            return .refused(HTTPRefusal(.upgradeRequired, "Only WebSocket is spoken here.", fields: fields))
        }
        guard let version = head.webSocketVersion, bytes.equals(version, "13") else {
            let fields = [HTTPField("Upgrade", "websocket"), HTTPField("Sec-WebSocket-Version", "13")]
            return .refused(HTTPRefusal(.upgradeRequired, "Only WebSocket version 13 is spoken here.", fields: fields))
        }
        guard let key = head.webSocketKey, Base64.decodedCount(bytes.extracting(key)) == 16 else {
            return .refused(HTTPRefusal(.badRequest, "The WebSocket key is missing or malformed."))
        }
        guard !head.hasBody else {
            return .refused(HTTPRefusal(.badRequest, "A WebSocket handshake has no body."))
        }
        return .accepted(Self.accept(bytes.copy(key)))
    }

    /// What proves that a key was read (RFC 6455 section 4.2.2, 5.4).
    package static func accept(_ key: [UInt8]) -> [UInt8] {
        let text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8
        let digest = SHA1.digest(text.span)
        return Base64.encode(digest.span)
    }

    /// - Parameter supported: What the path speaks; none means that none is chosen.
    package static func subprotocols(
        _ head: HTTPRequestHead, in bytes: Span<UInt8>, supported: [String]
    ) -> Subprotocols {
        var result = Subprotocols()
        for index in 0..<head.webSocketProtocols.count {
            var rest: Range<Int>? = head.webSocketProtocols[index]
            while let offer = bytes.cut(&rest, at: .comma) {
                let prefixEnd = offer.lowerBound + Self.bearerPrefix.utf8.count
                if offer.upperBound > prefixEnd, bytes.equals(offer.lowerBound..<prefixEnd, Self.bearerPrefix) {
                    result.bearer = result.bearer ?? prefixEnd..<offer.upperBound
                } else if result.chosen == nil {
                    result.chosen = supported.first { bytes.equals(offer, $0) }
                }
            }
        }
        return result
    }
}
