// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Reads one complete head into an `HTTPRequestHead`.
struct HTTPHeadReader {
    private var head = HTTPRequestHead()
    private var fields = 0
    private var hasTransferEncoding = false
    /// The target named the host itself, which then counts more than the field.
    private var targetHost: Range<Int>?

    /// - Parameter range: From the request line to the blank line, which it includes.
    static func read(
        _ bytes: Span<UInt8>, _ range: Range<Int>, limits: HTTPLimits
    ) throws(HTTPRefusal) -> HTTPRequestHead {
        var reader = HTTPHeadReader()
        reader.head.length = range.upperBound
        var line = try Self.line(bytes, from: range.lowerBound, to: range.upperBound)
        try reader.readRequestLine(bytes, line, limits)
        var next = line.upperBound + 2
        while next < range.upperBound - 2 {
            line = try Self.line(bytes, from: next, to: range.upperBound)
            reader.fields += 1
            guard reader.fields <= limits.fieldsMax else { throw HTTPRequestParser.headTooLarge }
            try reader.readField(bytes, line)
            next = line.upperBound + 2
        }
        return try reader.finish()
    }

    /// The line that begins at `start`, without its CR LF.
    private static func line(_ bytes: Span<UInt8>, from start: Int, to end: Int) throws(HTTPRefusal) -> Range<Int> {
        guard let feed = bytes.first(.lineFeed, in: start..<end), feed > start, bytes[feed - 1] == .carriageReturn
        else {
            throw HTTPRefusal(.badRequest, "A line does not end in CR LF.")
        }
        return start..<(feed - 1)
    }

    // MARK: - The request line

    private mutating func readRequestLine(
        _ bytes: Span<UInt8>, _ line: Range<Int>, _ limits: HTTPLimits
    ) throws(HTTPRefusal) {
        let malformed = HTTPRefusal(.badRequest, "The request line is malformed.")
        guard let methodEnd = bytes.first(.space, in: line), methodEnd > line.lowerBound,
            let targetEnd = bytes.first(.space, in: (methodEnd + 1)..<line.upperBound)
        else { throw malformed }
        for index in line.lowerBound..<methodEnd where !bytes[index].isTokenCharacter { throw malformed }
        guard methodEnd - line.lowerBound <= HTTPRequestParser.methodBytesMax else {
            throw HTTPRequestParser.methodTooLong
        }
        let target = (methodEnd + 1)..<targetEnd
        guard !target.isEmpty else { throw malformed }
        guard target.count <= limits.targetBytesMax else { throw HTTPRequestParser.targetTooLong }
        for index in target where bytes[index] <= .space || bytes[index] >= 0x7F || bytes[index] == UInt8(ascii: "#") {
            throw HTTPRefusal(.badRequest, "The request target has an illegal byte.")
        }
        self.head.minorVersion = try Self.minorVersion(bytes, (targetEnd + 1)..<line.upperBound)
        self.head.method = Self.method(bytes, line.lowerBound..<methodEnd)
        try self.readTarget(bytes, target)
    }

    private static func method(_ bytes: Span<UInt8>, _ range: Range<Int>) -> HTTPMethod {
        if bytes.equals(range, "GET") { return .get }
        if bytes.equals(range, "POST") { return .post }
        if bytes.equals(range, "OPTIONS") { return .options }
        return bytes.equals(range, "HEAD") ? .head : .other
    }

    /// A later minor version is spoken to as 1.1 (RFC 9110 section 2.5).
    private static func minorVersion(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPRefusal) -> Int {
        guard range.count == 8, bytes.equals(range.lowerBound..<(range.lowerBound + 5), "HTTP/"),
            let major = bytes.decimal((range.lowerBound + 5)..<(range.lowerBound + 6)),
            bytes[range.lowerBound + 6] == UInt8(ascii: "."),
            let minor = bytes.decimal((range.lowerBound + 7)..<range.upperBound)
        else { throw HTTPRefusal(.badRequest, "The request line is malformed.") }
        guard major == 1 else { throw HTTPRefusal(.versionNotSupported, "Only HTTP/1.0 and HTTP/1.1 are spoken here.") }
        return min(minor, 1)
    }

    private mutating func readTarget(_ bytes: Span<UInt8>, _ target: Range<Int>) throws(HTTPRefusal) {
        var rest = target
        if bytes[target.lowerBound] != .slash, let authority = Self.authorityStart(bytes, target) {
            var end = authority
            while end < target.upperBound, bytes[end] != .slash, bytes[end] != UInt8(ascii: "?") { end += 1 }
            self.targetHost = try Self.host(bytes, authority..<end)
            rest = end..<target.upperBound
        } else if bytes[target.lowerBound] != .slash {
            let isAsterisk = bytes.equals(target, "*") && self.head.method == .options
            // What remains is the authority form of CONNECT, or nothing at all.
            guard isAsterisk || self.head.method == .other else {
                throw HTTPRefusal(.badRequest, "The request target is malformed.")
            }
        }
        if let mark = bytes.first(UInt8(ascii: "?"), in: rest) {
            self.head.path = rest.lowerBound..<mark
            self.head.query = (mark + 1)..<rest.upperBound
        } else {
            self.head.path = rest
        }
    }

    /// Where the authority of a target in absolute form begins, or nil.
    private static func authorityStart(_ bytes: Span<UInt8>, _ target: Range<Int>) -> Int? {
        for scheme in ["http://", "https://"] where target.count >= scheme.utf8.count {
            let end = target.lowerBound + scheme.utf8.count
            if bytes.matches(target.lowerBound..<end, lowercased: scheme) { return end }
        }
        return nil
    }

    private static func host(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPRefusal) -> Range<Int> {
        guard !range.isEmpty else { throw HTTPRefusal(.badRequest, "The host is empty.") }
        for index in range where !bytes[index].isHostCharacter {
            throw HTTPRefusal(.badRequest, "The host is malformed.")
        }
        return range
    }

    // MARK: - Fields

    private mutating func readField(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(HTTPRefusal) {
        var colon = line.lowerBound
        while colon < line.upperBound, bytes[colon].isTokenCharacter { colon += 1 }
        // No token before the colon is a folded line, a blank before the colon, or no field at all.
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == .colon else {
            throw HTTPRefusal(.badRequest, "A header field is malformed.")
        }
        for index in (colon + 1)..<line.upperBound where !bytes[index].isFieldCharacter {
            throw HTTPRefusal(.badRequest, "A header field has an illegal byte.")
        }
        let name = line.lowerBound..<colon
        let value = bytes.trimmed((colon + 1)..<line.upperBound)
        // The length of the name rules out most names without looking at them.
        switch name.count {
        case 4, 6, 7, 10: try self.readShort(bytes, name, value)
        case 12, 13, 14, 15, 17: try self.readMedium(bytes, name, value)
        default: try self.readLong(bytes, name, value)
        }
    }

    private mutating func readShort(
        _ bytes: Span<UInt8>, _ name: Range<Int>, _ value: Range<Int>
    ) throws(HTTPRefusal) {
        if bytes.matches(name, lowercased: "host") {
            try Self.setOnce(&self.head.host, try Self.host(bytes, value))
        } else if bytes.matches(name, lowercased: "accept") {
            self.head.accept.append(value)
        } else if bytes.matches(name, lowercased: "origin") {
            try Self.setOnce(&self.head.origin, value)
        } else if bytes.matches(name, lowercased: "cookie") {
            self.head.cookies.append(value)
        } else if bytes.matches(name, lowercased: "expect") {
            guard bytes.matches(value, lowercased: "100-continue") else {
                throw HTTPRefusal(.expectationFailed, "The expectation is unknown.")
            }
            self.head.expectsContinue = true
        } else if bytes.matches(name, lowercased: "upgrade") {
            var lines = HTTPFieldLines()
            lines.append(value)
            if lines.containsToken("websocket", in: bytes) { self.head.upgradesToWebSocket = true }
        } else if bytes.matches(name, lowercased: "connection") {
            self.readConnection(bytes, value)
        }
    }

    private mutating func readMedium(
        _ bytes: Span<UInt8>, _ name: Range<Int>, _ value: Range<Int>
    ) throws(HTTPRefusal) {
        if bytes.matches(name, lowercased: "authorization") {
            try Self.setOnce(&self.head.authorization, value)
        } else if bytes.matches(name, lowercased: "content-type") {
            try Self.setOnce(&self.head.contentType, value)
        } else if bytes.matches(name, lowercased: "last-event-id") {
            try Self.setOnce(&self.head.lastEventID, value)
        } else if bytes.matches(name, lowercased: "martlet-refuse") {
            if bytes.matches(value, lowercased: "status") { self.head.refusesByStatus = true }
        } else if bytes.matches(name, lowercased: "sec-fetch-site") {
            try Self.setOnce(&self.head.secFetchSite, value)
        } else if bytes.matches(name, lowercased: "x-forwarded-for") {
            self.head.forwardedFor.append(value)
        } else if bytes.matches(name, lowercased: "content-length") {
            try self.readContentLength(bytes, value)
        } else if bytes.matches(name, lowercased: "transfer-encoding") {
            try self.readTransferEncoding(bytes, value)
        } else if bytes.matches(name, lowercased: "sec-websocket-key") {
            try Self.setOnce(&self.head.webSocketKey, value)
        }
    }

    private mutating func readLong(
        _ bytes: Span<UInt8>, _ name: Range<Int>, _ value: Range<Int>
    ) throws(HTTPRefusal) {
        if bytes.matches(name, lowercased: "sec-websocket-version") {
            try Self.setOnce(&self.head.webSocketVersion, value)
        } else if bytes.matches(name, lowercased: "sec-websocket-protocol") {
            self.head.webSocketProtocols.append(value)
        } else if bytes.matches(name, lowercased: "sec-websocket-extensions") {
            self.head.webSocketExtensions.append(value)
        } else if bytes.matches(name, lowercased: "access-control-request-method") {
            try Self.setOnce(&self.head.accessControlRequestMethod, value)
        } else if bytes.matches(name, lowercased: "access-control-request-headers") {
            try Self.setOnce(&self.head.accessControlRequestHeaders, value)
        }
    }

    /// Twice the same of these is not a list but a contradiction, and two parsers may choose differently.
    private static func setOnce(_ field: inout Range<Int>?, _ value: Range<Int>) throws(HTTPRefusal) {
        guard field == nil else { throw HTTPRefusal(.badRequest, "A header field may come only once.") }
        field = value
    }

    private mutating func readConnection(_ bytes: Span<UInt8>, _ value: Range<Int>) {
        var rest: Range<Int>? = value
        while let option = bytes.cut(&rest, at: .comma) {
            if bytes.matches(option, lowercased: "upgrade") { self.head.connection.insert(.upgrade) }
            if bytes.matches(option, lowercased: "close") { self.head.connection.insert(.close) }
            if bytes.matches(option, lowercased: "keep-alive") { self.head.connection.insert(.keepAlive) }
        }
    }

    private mutating func readContentLength(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(HTTPRefusal) {
        guard !value.isEmpty else { throw HTTPRefusal(.badRequest, "The content length is malformed.") }
        for index in value where !bytes[index].isDigit {
            throw HTTPRefusal(.badRequest, "The content length is malformed.")
        }
        guard let length = bytes.decimal(value) else {
            throw HTTPRefusal(.contentTooLarge, "The body is too large.")
        }
        guard self.head.contentLength ?? length == length else {
            throw HTTPRefusal(.badRequest, "The content length is given twice.")
        }
        self.head.contentLength = length
    }

    private mutating func readTransferEncoding(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(HTTPRefusal) {
        guard !self.hasTransferEncoding else { throw HTTPRefusal(.badRequest, "A header field may come only once.") }
        self.hasTransferEncoding = true
        guard bytes.matches(value, lowercased: "chunked") else {
            throw HTTPRefusal(.notImplemented, "The transfer coding is unknown.")
        }
        self.head.isChunked = true
    }

    /// What only the whole head shows.
    private mutating func finish() throws(HTTPRefusal) -> HTTPRequestHead {
        if self.head.isChunked, self.head.contentLength != nil || self.head.minorVersion == 0 {
            throw HTTPRefusal(.badRequest, "The length of the body is ambiguous.")
        }
        if self.head.host == nil, self.head.minorVersion >= 1 {
            throw HTTPRefusal(.badRequest, "The host is missing.")
        }
        if let targetHost = self.targetHost { self.head.host = targetHost }
        return self.head
    }
}
