// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire

/// Which pages may connect: the rules for requests across sites, and against DNS rebinding in development mode.
struct OriginPolicy: Sendable {
    let isDevelopment: Bool
    let cors: CORS

    /// Nil when the request may go on; else why not.
    ///
    /// - Parameter usesCookie: Its credentials are a cookie, which a browser adds whoever asks.
    func refusal(
        _ head: HTTPRequestHead, in bytes: Span<UInt8>, isWebSocket: Bool, usesCookie: Bool
    ) -> String? {
        if self.isDevelopment {
            // Any web page can reach a developer's loopback ports, under any name that resolves there.
            guard let host = head.host, HostName.isLoopback(host, in: bytes) else {
                return "In development mode only loopback Host values are served."
            }
            guard let origin = head.origin else { return nil }
            guard let own = HostName.ofOrigin(origin, in: bytes), HostName.isLoopback(own, in: bytes) else {
                return "In development mode only pages from loopback may connect."
            }
            return nil
        }
        switch self.cors.verdict(head, in: bytes) {
        case .sameHost: return nil
        case .refused: return "This Origin is not allowed."
        case .allowed:
            guard usesCookie, let origin = head.origin else { return nil }
            if bytes.text(origin) == "null" { return "Origin null may not use a cookie." }
            return self.cors.allowsCredentials(head, in: bytes) ? nil : "This Origin may not use a cookie."
        case .absent:
            guard usesCookie else { return nil }
            // Browsers send an Origin with every WebSocket, but none with an EventSource of the same origin.
            if isWebSocket { return "A cookie needs an Origin." }
            let site = head.secFetchSite.map { bytes.text($0) }
            return site == "cross-site" || site == "same-site" ? "The request is cross-site." : nil
        }
    }
}
