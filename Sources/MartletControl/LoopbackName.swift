// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Whether a `Host` or `Origin` value names this machine by a loopback name.
///
/// Only names that no outside resolver can point elsewhere count, or a page of any site could reach the listener
/// through a name of its own (DNS rebinding).
enum LoopbackName {
    /// `host[:port]`, as in a `Host` header.
    static func matches(authority: String) -> Bool {
        let lowercased = authority.lowercased()
        if lowercased.first == "[" {
            guard let end = lowercased.firstIndex(of: "]") else { return false }
            let address = lowercased[lowercased.index(after: lowercased.startIndex)..<end]
            return address == "::1" && Self.isPort(lowercased[lowercased.index(after: end)...])
        }
        let colon = lowercased.firstIndex(of: ":") ?? lowercased.endIndex
        let host = lowercased[..<colon]
        return Self.isPort(lowercased[colon...]) && (host == "localhost" || Self.isLoopbackIPv4(host))
    }

    /// `http[s]://host[:port]`, as in an `Origin` header; `null` is not loopback.
    static func matches(origin: String) -> Bool {
        let lowercased = origin.lowercased()
        for scheme in ["http://", "https://"] where lowercased.hasPrefix(scheme) {
            return Self.matches(authority: String(lowercased.dropFirst(scheme.count)))
        }
        return false
    }

    private static func isPort(_ text: Substring) -> Bool {
        guard text.first == ":" else { return text.isEmpty }
        return Self.isNumber(text.dropFirst()) && UInt16(text.dropFirst()) != nil
    }

    private static func isLoopbackIPv4(_ host: Substring) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { Self.isNumber($0) && UInt8($0) != nil }
    }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
}
