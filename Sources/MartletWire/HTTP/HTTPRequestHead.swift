// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a request head says, as ranges into the bytes it was read from: the fields the edge has a use for, trimmed.
package struct HTTPRequestHead: Hashable, Sendable {
    /// The options of the `Connection` field that matter here.
    package struct Connection: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let upgrade = Connection(rawValue: 1)
        package static let close = Connection(rawValue: 2)
        package static let keepAlive = Connection(rawValue: 4)
    }

    package internal(set) var method = HTTPMethod.other
    package internal(set) var path = 0..<0
    /// Without the question mark; nil where there is none.
    package internal(set) var query: Range<Int>?
    /// 0 or 1 of HTTP/1.x.
    package internal(set) var minorVersion = 1
    /// Bytes of the head, its blank line and what was skipped before it included.
    package internal(set) var length = 0

    /// From the target where that is in absolute form (RFC 9112 section 3.2.2), else the `Host` field.
    package internal(set) var host: Range<Int>?
    package internal(set) var origin: Range<Int>?
    package internal(set) var connection: Connection = []
    package internal(set) var upgradesToWebSocket = false
    package internal(set) var webSocketKey: Range<Int>?
    package internal(set) var webSocketVersion: Range<Int>?
    package internal(set) var webSocketProtocols = HTTPFieldLines()
    package internal(set) var webSocketExtensions = HTTPFieldLines()
    package internal(set) var authorization: Range<Int>?
    package internal(set) var cookies = HTTPFieldLines()
    package internal(set) var accept = HTTPFieldLines()
    package internal(set) var contentType: Range<Int>?
    package internal(set) var contentLength: Int?
    package internal(set) var isChunked = false
    package internal(set) var expectsContinue = false
    package internal(set) var lastEventID: Range<Int>?
    package internal(set) var secFetchSite: Range<Int>?
    package internal(set) var forwardedFor = HTTPFieldLines()
    /// `Martlet-Refuse: status`, by which a proxy that asks another node instead wants refusals it can tell from success.
    package internal(set) var refusesByStatus = false
    package internal(set) var accessControlRequestMethod: Range<Int>?
    package internal(set) var accessControlRequestHeaders: Range<Int>?

    init() {}

    /// Whether the connection may serve another request after this one.
    package var keepsAlive: Bool {
        if self.connection.contains(.close) { return false }
        return self.minorVersion >= 1 || self.connection.contains(.keepAlive)
    }

    /// Whether bytes of this request follow its head.
    package var hasBody: Bool { self.isChunked || (self.contentLength ?? 0) > 0 }

    /// The credentials of `Authorization: Bearer …` (RFC 6750), or nil.
    package func bearerToken(in bytes: Span<UInt8>) -> Range<Int>? {
        guard let authorization, authorization.count > 7 else { return nil }
        let end = authorization.lowerBound + 7
        guard bytes.matches(authorization.lowerBound..<end, lowercased: "bearer ") else { return nil }
        let token = bytes.trimmed(end..<authorization.upperBound)
        return token.isEmpty ? nil : token
    }
}
