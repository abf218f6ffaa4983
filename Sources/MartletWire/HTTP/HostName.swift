// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Reads the host of a `Host` or `Origin` field.
package enum HostName {
    /// Whether a host, with or without a port, can only be this machine: `localhost`, names below it, and loopback
    /// addresses. A name that someone else's DNS could point here is not (DNS rebinding).
    package static func isLoopback(_ host: Range<Int>, in bytes: Span<UInt8>) -> Bool {
        if let address = PeerAddress(text: bytes.extracting(host)) { return address.isLoopback }
        let end = bytes.first(.colon, in: host) ?? host.upperBound
        let name = host.lowerBound..<end
        if bytes.matches(name, lowercased: "localhost") { return true }
        let suffix = ".localhost"
        return name.count > suffix.utf8.count
            && bytes.matches((name.upperBound - suffix.utf8.count)..<name.upperBound, lowercased: suffix)
    }

    /// The host, with its port, of an origin such as `https://app.example:8443`; nil for `null` and the like.
    package static func ofOrigin(_ origin: Range<Int>, in bytes: Span<UInt8>) -> Range<Int>? {
        guard let colon = bytes.first(.colon, in: origin), origin.upperBound - colon > 3,
            bytes.equals(colon..<(colon + 3), "://")
        else { return nil }
        return (colon + 3)..<origin.upperBound
    }
}
