// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// Reads the header that a balancer puts before a connection's bytes to say where it came from (PROXY protocol,
/// versions 1 and 2).
package enum ProxyProtocol {
    package enum Outcome: Hashable, Sendable {
        /// A legal beginning.
        case needMore
        /// Where the client is, and where its own bytes begin.
        case header(source: PeerAddress, length: Int)
        /// The balancer speaks for itself (a health check), or does not know: the connection's own address counts.
        case local(length: Int)
        case invalid
    }

    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let textPrefix = Array("PROXY ".utf8)
    /// The longest line of version 1.
    private static let textBytesMax = 107
    /// The longest header of version 2 that is read, additional fields included.
    private static let binaryBytesMax = 4_096

    package static func parse(_ bytes: Span<UInt8>) -> Outcome {
        guard !bytes.isEmpty else { return .needMore }
        let isText = bytes[0] == Self.textPrefix[0]
        let prefix = isText ? Self.textPrefix : Self.signature
        for index in 0..<min(prefix.count, bytes.count) where bytes[index] != prefix[index] { return .invalid }
        guard bytes.count >= prefix.count else { return .needMore }
        return isText ? Self.parseText(bytes) : Self.parseBinary(bytes)
    }

    private static func parseText(_ bytes: Span<UInt8>) -> Outcome {
        guard let feed = bytes.first(.lineFeed, in: 0..<min(bytes.count, Self.textBytesMax)) else {
            return bytes.count < Self.textBytesMax ? .needMore : .invalid
        }
        guard bytes[feed - 1] == .carriageReturn else { return .invalid }
        let length = feed + 1
        var words: [Range<Int>] = []
        var start = Self.textPrefix.count
        for index in start..<feed where bytes[index] == .space || index == feed - 1 {
            words.append(start..<index)
            start = index + 1
        }
        guard let family = words.first else { return .invalid }
        // Whatever follows UNKNOWN is to be ignored.
        if bytes.equals(family, "UNKNOWN") { return .local(length: length) }
        let isV4 = bytes.equals(family, "TCP4")
        guard isV4 || bytes.equals(family, "TCP6"), words.count == 5,
            var source = PeerAddress(host: bytes.extracting(words[1])),
            let destination = PeerAddress(host: bytes.extracting(words[2])),
            (source.v4 != nil) == isV4 || !isV4, (destination.v4 != nil) == isV4 || !isV4,
            let sourcePort = bytes.decimal(words[3]).flatMap({ UInt16(exactly: $0) }),
            bytes.decimal(words[4]).flatMap({ UInt16(exactly: $0) }) != nil
        else { return .invalid }
        source.port = sourcePort
        return .header(source: source, length: length)
    }

    private static func parseBinary(_ bytes: Span<UInt8>) -> Outcome {
        guard bytes.count >= 16 else {
            // The version and command are refused as soon as they are seen.
            return bytes.count > 12 && !(0x20...0x21 ~= bytes[12]) ? .invalid : .needMore
        }
        guard 0x20...0x21 ~= bytes[12] else { return .invalid }
        let length = 16 + (Int(bytes[14]) << 8 | Int(bytes[15]))
        guard length <= Self.binaryBytesMax else { return .invalid }
        guard bytes.count >= length else { return .needMore }
        if bytes[12] == 0x20 { return .local(length: length) }
        switch bytes[13] {
        case 0x11:
            guard length >= 16 + 12 else { return .invalid }
            var v4: UInt32 = 0
            for index in 16..<20 { v4 = v4 << 8 | UInt32(bytes[index]) }
            return .header(source: PeerAddress(v4: v4, port: Self.port(bytes, at: 24)), length: length)
        case 0x21:
            guard length >= 16 + 36,
                let source = PeerAddress(v6: bytes.extracting(16..<32), port: Self.port(bytes, at: 48))
            else { return .invalid }
            return .header(source: source, length: length)
        // Unspecified, datagrams, local sockets: nothing to go by.
        case 0x00, 0x12, 0x22, 0x31, 0x32: return .local(length: length)
        default: return .invalid
        }
    }

    private static func port(_ bytes: Span<UInt8>, at index: Int) -> UInt16 {
        UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
    }
}
