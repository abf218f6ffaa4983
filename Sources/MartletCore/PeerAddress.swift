// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// An IP address and port of the other end. IPv4 is kept as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2), so that there
/// is one kind of address; it is printed as IPv4.
package struct PeerAddress: Hashable, Sendable {
    /// The first 8 bytes of the address, in network order.
    package var high: UInt64
    /// The last 8 bytes of the address, in network order.
    package var low: UInt64
    package var port: UInt16

    private static let mappedPrefix: UInt64 = 0x0000_FFFF_0000_0000

    package init(high: UInt64, low: UInt64, port: UInt16 = 0) {
        self.high = high
        self.low = low
        self.port = port
    }

    /// - Parameter v4: In host order: 127.0.0.1 is 0x7F00_0001.
    package init(v4: UInt32, port: UInt16 = 0) {
        self.init(high: 0, low: Self.mappedPrefix | UInt64(v4), port: port)
    }

    /// The first 16 bytes of `bytes` as an IPv6 address in network order, or nil where there are fewer.
    package init?(v6 bytes: Span<UInt8>, port: UInt16 = 0) {
        guard bytes.count >= 16 else { return nil }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for index in 0..<8 {
            high = high << 8 | UInt64(bytes[index])
            low = low << 8 | UInt64(bytes[index + 8])
        }
        self.init(high: high, low: low, port: port)
    }

    /// The IPv4 address in host order, or nil for IPv6.
    package var v4: UInt32? {
        self.high == 0 && self.low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: self.low) : nil
    }

    package var isLoopback: Bool {
        if let v4 = self.v4 { return v4 >> 24 == 127 }
        return self.high == 0 && self.low == 1
    }

    /// What limits per address count by: the IPv4 address, or the /64 of an IPv6 address, which is what one site gets.
    package var limitKey: UInt64 { self.v4.map(UInt64.init) ?? self.high }

    /// The byte at `index` of 0..<16, in network order.
    package func byte(_ index: Int) -> UInt8 {
        let half = index < 8 ? self.high : self.low
        return UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * (index & 7)))
    }
}

// MARK: - Text

extension PeerAddress: CustomStringConvertible {
    /// `192.0.2.1` or `2001:db8::1` (RFC 5952).
    package var host: String {
        if let v4 = self.v4 {
            return "\(v4 >> 24).\(v4 >> 16 & 0xFF).\(v4 >> 8 & 0xFF).\(v4 & 0xFF)"
        }
        let groups = (0..<8).map { UInt16(self.byte(2 * $0)) << 8 | UInt16(self.byte(2 * $0 + 1)) }
        let zeros = Self.longestZeros(groups)
        let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard zeros.count > 1 else { return text(groups[...]) }
        return text(groups[..<zeros.lowerBound]) + "::" + text(groups[zeros.upperBound...])
    }

    /// With the port: `192.0.2.1:443` or `[2001:db8::1]:443`.
    package var description: String {
        self.v4 == nil ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }

    /// An address without a port, as the text of IPv4 or IPv6; nil for anything else.
    package init?(host text: String) {
        self.init(host: Array(text.utf8).span)
    }

    /// An address with or without a port: `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]`,
    /// `[2001:db8::1]:443`.
    package init?(text bytes: Span<UInt8>) {
        if bytes.count > 2, bytes[0] == UInt8(ascii: "[") {
            guard let end = bytes.indices.first(where: { bytes[$0] == UInt8(ascii: "]") }) else { return nil }
            self.init(host: bytes.extracting(1..<end))
            guard end + 1 < bytes.count else { return }
            guard bytes[end + 1] == UInt8(ascii: ":"), let port = Self.port(bytes.extracting((end + 2)...)) else {
                return nil
            }
            self.port = port
            return
        }
        let colons = bytes.indices.filter { bytes[$0] == UInt8(ascii: ":") }
        guard colons.count == 1, let colon = colons.first else {
            self.init(host: bytes)
            return
        }
        guard let port = Self.port(bytes.extracting((colon + 1)...)) else { return nil }
        self.init(host: bytes.extracting(..<colon))
        self.port = port
    }

    package init?(host bytes: Span<UInt8>) {
        guard bytes.count >= 2, bytes.count <= 45 else { return nil }
        if !bytes.indices.contains(where: { bytes[$0] == UInt8(ascii: ":") }) {
            guard let v4 = Self.parseV4(bytes) else { return nil }
            self.init(v4: v4)
            return
        }
        guard let groups = Self.parseV6(bytes) else { return nil }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for index in 0..<4 {
            high = high << 16 | UInt64(groups[index])
            low = low << 16 | UInt64(groups[index + 4])
        }
        self.init(high: high, low: low)
    }

    private static func longestZeros(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > longest.count { longest = start..<end }
            start = max(end, start + 1)
        }
        return longest
    }

    private static func port(_ bytes: Span<UInt8>) -> UInt16? {
        guard !bytes.isEmpty, bytes.count <= 5 else { return nil }
        var port: UInt32 = 0
        for index in bytes.indices {
            guard let digit = Self.digit(bytes[index], radix: 10) else { return nil }
            port = port * 10 + digit
        }
        return UInt16(exactly: port)
    }

    private static func digit(_ byte: UInt8, radix: UInt32) -> UInt32? {
        let value: UInt32
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = UInt32(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): value = UInt32(byte - UInt8(ascii: "A")) + 10
        default: return nil
        }
        return value < radix ? value : nil
    }

    /// Four decimal numbers; a leading zero is refused, as some read it as octal.
    private static func parseV4(_ bytes: Span<UInt8>) -> UInt32? {
        var (address, part, digits, dots): (UInt32, UInt32, Int, Int) = (0, 0, 0, 0)
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                address = address << 8 | part
                (part, digits, dots) = (0, 0, dots + 1)
                continue
            }
            guard let digit = Self.digit(bytes[index], radix: 10), digits == 0 || part != 0 else { return nil }
            part = part * 10 + digit
            digits += 1
            guard part <= 255 else { return nil }
        }
        return dots == 3 && digits > 0 ? address << 8 | part : nil
    }

    /// Eight groups; one `::` stands for those that are missing, and IPv4 may stand for the last two.
    private static func parseV6(_ bytes: Span<UInt8>) -> [UInt16]? {
        var (before, after): ([UInt16], [UInt16]?) = ([], nil)
        var index = 0
        let colon = UInt8(ascii: ":")
        if bytes.count >= 2, bytes[0] == colon {
            guard bytes[1] == colon else { return nil }
            (after, index) = ([], 2)
        }
        while index < bytes.count {
            var end = index
            while end < bytes.count, bytes[end] != colon { end += 1 }
            guard let groups = Self.groups(bytes.extracting(index..<end), isLast: end == bytes.count) else {
                return nil
            }
            if after == nil { before += groups } else { after?.append(contentsOf: groups) }
            guard before.count + (after?.count ?? 0) <= 8 else { return nil }
            guard end < bytes.count else { break }
            index = end + 1
            guard index < bytes.count else { return nil }
            if bytes[index] == colon {
                guard after == nil else { return nil }
                (after, index) = ([], index + 1)
            }
        }
        guard let after else { return before.count == 8 ? before : nil }
        let missing = 8 - before.count - after.count
        return missing > 0 ? before + Array(repeating: 0, count: missing) + after : nil
    }

    /// One group of up to four hexadecimal digits, or the two of an IPv4 address at the end.
    private static func groups(_ bytes: Span<UInt8>, isLast: Bool) -> [UInt16]? {
        if isLast, let v4 = Self.parseV4(bytes) {
            return [UInt16(truncatingIfNeeded: v4 >> 16), UInt16(truncatingIfNeeded: v4)]
        }
        guard !bytes.isEmpty, bytes.count <= 4 else { return nil }
        var group: UInt32 = 0
        for index in bytes.indices {
            guard let digit = Self.digit(bytes[index], radix: 16) else { return nil }
            group = group << 4 | digit
        }
        return [UInt16(truncatingIfNeeded: group)]
    }
}
