// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// Reads `X-Forwarded-For`, of which only what trusted proxies appended is believed.
package enum ForwardedFor {
    /// Addresses beyond this many proxies are not looked at.
    private static let hopsMax = 32

    /// The rightmost address that is not a trusted proxy's, beginning with the connection's own.
    ///
    /// - Returns: `peer` itself where it is not trusted, or where the field names nobody. Where an element cannot be
    ///   read, the proxy that appended it is the best that is known.
    package static func client(
        of peer: PeerAddress, lines: HTTPFieldLines, in bytes: Span<UInt8>, trusted: [CIDR]
    ) -> PeerAddress {
        var client = peer
        var hops = 0
        for index in (0..<lines.count).reversed() {
            var end = lines[index].upperBound
            let start = lines[index].lowerBound
            while end >= start {
                guard hops < Self.hopsMax, trusted.contains(where: { $0.contains(client) }) else { return client }
                var comma = end - 1
                while comma >= start, bytes[comma] != .comma { comma -= 1 }
                let element = bytes.trimmed((comma + 1)..<end)
                guard let next = PeerAddress(text: bytes.extracting(element)) else { return client }
                client = next
                hops += 1
                end = comma
            }
        }
        return client
    }
}
