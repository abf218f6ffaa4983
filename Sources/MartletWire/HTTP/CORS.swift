// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Which web pages may use the edge, and what the answers tell their browsers (Fetch standard, CORS protocol).
package struct CORS: Sendable {
    /// Where a request comes from, as far as its browser says.
    package enum Verdict: Hashable, Sendable {
        /// No `Origin`: no browser, or a request of the same origin that carries none.
        case absent
        /// A page of the host that was asked.
        case sameHost
        /// A page of an origin that the configuration allows.
        case allowed
        case refused
    }

    private let patterns: [OriginPattern]
    private let allowsCredentials: Bool

    /// How long a browser may remember the answer to a preflight, in seconds.
    private static let maxAge = "300"
    private static let requestedHeadersBytesMax = 1_024

    /// - Parameter allowsCredentials: Whether pages may send cookies. An origin that only `*` allows never may.
    package init(allowedOrigins: [String], allowsCredentials: Bool = true) {
        self.patterns = allowedOrigins.map { OriginPattern($0) }
        self.allowsCredentials = allowsCredentials
    }

    package func verdict(_ head: HTTPRequestHead, in bytes: Span<UInt8>) -> Verdict {
        guard let origin = head.origin else { return .absent }
        if Self.isSameHost(origin, head.host, in: bytes) { return .sameHost }
        let span = bytes.extracting(origin)
        return self.patterns.contains { $0.matches(span) } ? .allowed : .refused
    }

    /// Whether a page of the request's origin may bring cookies. An origin that only `*` allows may not: that is any page.
    package func allowsCredentials(_ head: HTTPRequestHead, in bytes: Span<UInt8>) -> Bool {
        guard self.allowsCredentials, let origin = head.origin else { return false }
        let span = bytes.extracting(origin)
        return self.patterns.contains { !$0.allowsAll && $0.matches(span) }
    }

    /// What an answer carries so that the page may read it; nothing where no page of another origin asks.
    package func fields(_ head: HTTPRequestHead, in bytes: Span<UInt8>) -> [HTTPField] {
        guard let origin = head.origin else { return [] }
        let span = bytes.extracting(origin)
        guard self.patterns.contains(where: { !$0.allowsAll && $0.matches(span) }) else {
            return self.patterns.contains { $0.allowsAll } ? [HTTPField("Access-Control-Allow-Origin", "*")] : []
        }
        var fields = [HTTPField("Access-Control-Allow-Origin", bytes.text(origin)), HTTPField("Vary", "Origin")]
        if self.allowsCredentials { fields.append(HTTPField("Access-Control-Allow-Credentials", "true")) }
        return fields
    }

    /// The answer to `OPTIONS`: to a preflight of a page that is allowed, what it may send.
    package func preflight(_ head: HTTPRequestHead, in bytes: Span<UInt8>, keepsAlive: Bool) -> [UInt8] {
        var fields = self.fields(head, in: bytes)
        if !fields.isEmpty {
            var headers = "Authorization, Content-Type, Cache-Control, Last-Event-ID"
            if let requested = head.accessControlRequestHeaders, requested.count <= Self.requestedHeadersBytesMax {
                headers = bytes.text(requested)
            }
            fields.append(HTTPField("Access-Control-Allow-Methods", "GET, POST, OPTIONS"))
            fields.append(HTTPField("Access-Control-Allow-Headers", headers))
            fields.append(HTTPField("Access-Control-Max-Age", Self.maxAge))
        }
        return HTTPResponse.noContent(fields: fields, keepsAlive: keepsAlive)
    }

    /// Whether an origin's host and port are those of the `Host` field.
    static func isSameHost(_ origin: Range<Int>, _ host: Range<Int>?, in bytes: Span<UInt8>) -> Bool {
        guard let host, let own = HostName.ofOrigin(origin, in: bytes), own.count == host.count else { return false }
        for offset in 0..<host.count
        where bytes[own.lowerBound + offset].asciiLowercased != bytes[host.lowerBound + offset].asciiLowercased {
            return false
        }
        return true
    }
}
