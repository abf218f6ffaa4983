// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What the public listeners do, apart from what `Limits` bounds.
package struct EdgeConfiguration: Sendable {
    package var limits = Limits()
    /// Loopback `Host` and `Origin` values only, and anonymous clients with full rights.
    package var isDevelopment = false
    package var allowsAnonymous = false
    /// Origins that pages may connect from, as globs; empty: the request's own host only.
    package var origins: [String] = []
    /// Peers whose `X-Forwarded-For` and PROXY protocol headers are believed.
    package var trustedProxies: [CIDR] = []
    /// Whether every connection must begin with a PROXY protocol header.
    package var requiresProxyProtocol = false
    /// The cookie that carries a token, or nil.
    package var tokenCookie: String?
    package var transports = Transports()
    package var namespaces = NamespaceTable([])
    /// The reconnection time event streams are told, in milliseconds.
    package var eventRetryMilliseconds = 3_000
    /// Bytes of a comment that event streams begin with, for intermediaries and polyfills that hold the first bytes
    /// back until there are enough.
    package var eventPaddingBytes = 0
    /// Whether event streams use chunked coding; without it they end with their connection.
    package var eventsChunked = true
    /// Headers of a client's request that go on to the back-end, in lower case.
    package var proxyHeaders: [String] = []
    /// How long a connection outlives its expiry while the back-end that would renew it does not answer.
    package var proxyPatience: Duration = .seconds(3_600)
    /// Claims by which invalidations may name connections.
    package var indexedClaims: [String] = []
    /// The namespace in which every user has a channel that its connections are subscribed to; empty for channels
    /// without one, nil for no such channels.
    package var personalChannels: String?
    package var version = ""

    package init() {}

    /// The ways to connect beside WebSocket and `/events`.
    package struct Transports: Sendable {
        package var sse = true
        package var httpStream = true
        package var uniWebSocket = true
        package var uniSSE = true
        package var uniHTTPStream = true

        package init() {}

        /// Whether there are clients who cannot write on their connections.
        var areEmulated: Bool { self.sse || self.httpStream }
    }
}
