// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Where a Redis server is and who we are to it: `redis://[user[:password]@]host[:port][/database]`, or
/// `unix://[user[:password]@]/path/of.sock[?db=n]`. A user without a password, as in `redis://secret@host`, is not
/// a thing Redis knows; write `redis://:secret@host` for a password alone.
package struct RedisURL: Hashable, Sendable, CustomStringConvertible {
    package enum Address: Hashable, Sendable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    package var address: Address
    /// Nil for the default user.
    package var user: String?
    package var password: String?
    package var database: Int

    package init(address: Address, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
    }

    package init(_ text: String) throws(RedisURLError) {
        guard let scheme = text.range(of: "://") else { throw .scheme }
        var rest = text[scheme.upperBound...]
        (self.user, self.password) = try Self.takeCredentials(from: &rest)
        switch text[..<scheme.lowerBound].lowercased() {
        case "redis":
            var database: Substring?
            if let slash = rest.firstIndex(of: "/") {
                database = rest[rest.index(after: slash)...]
                rest = rest[..<slash]
            }
            self.database = try Self.database(database ?? "")
            self.address = try Self.tcpAddress(rest)
        case "unix", "redis+unix":
            var database: Substring?
            if let question = rest.firstIndex(of: "?") {
                let query = rest[rest.index(after: question)...]
                guard query.hasPrefix("db=") else { throw .database }
                database = query.dropFirst(3)
                rest = rest[..<question]
            }
            self.database = try Self.database(database ?? "")
            guard rest.hasPrefix("/"), rest.utf8.count <= 107 else { throw .path }
            self.address = .unix(path: String(rest))
        default:
            throw .scheme
        }
    }

    /// For logs and health: without the password.
    package var description: String {
        switch self.address {
        case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        case .unix(let path): path
        }
    }

    private static func takeCredentials(
        from rest: inout Substring
    ) throws(RedisURLError) -> (user: String?, password: String?) {
        guard let at = rest.lastIndex(of: "@") else { return (nil, nil) }
        let credentials = rest[..<at]
        rest = rest[rest.index(after: at)...]
        guard let colon = credentials.firstIndex(of: ":") else { throw .credentials }
        let user = try Self.percentDecoded(credentials[..<colon])
        let password = try Self.percentDecoded(credentials[credentials.index(after: colon)...])
        return (user.isEmpty ? nil : user, password)
    }

    private static func tcpAddress(_ text: Substring) throws(RedisURLError) -> Address {
        let host: Substring
        var port: Substring?
        if text.first == "[", let close = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<close]
            let after = text[text.index(after: close)...]
            guard after.isEmpty || after.first == ":" else { throw .host }
            port = after.isEmpty ? nil : after.dropFirst()
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { throw .host }
            host = parts.first ?? ""
            port = parts.count == 2 ? parts.last : nil
        }
        guard !host.isEmpty else { throw .host }
        guard let port else { return .tcp(host: String(host), port: 6379) }
        guard let number = UInt16(port), number > 0 else { throw .port }
        return .tcp(host: String(host), port: Int(number))
    }

    private static func database(_ text: Substring) throws(RedisURLError) -> Int {
        guard !text.isEmpty else { return 0 }
        guard let number = UInt16(text) else { throw .database }
        return Int(number)
    }

    private static func percentDecoded(_ text: Substring) throws(RedisURLError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, digits.first != "+", let value = UInt8(digits, radix: 16) else {
                throw .credentials
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .credentials }
        return decoded
    }
}

extension String {
    /// The first occurrence of `text`; the standard library finds characters only.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = self.startIndex
        while start < self.endIndex {
            if self[start...].hasPrefix(text) { return start..<self.index(start, offsetBy: text.count) }
            start = self.index(after: start)
        }
        return nil
    }
}
