// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The rules of a channel's name: `namespace:rest`, printable ASCII, at most `Limits.channelBytesMax` bytes.
package enum ChannelName {
    /// Whether a name may be used at all. Wildcards are reserved, and control bytes never reach Redis or a log.
    package static func isValid(_ name: String, bytesMax: Int) -> Bool {
        let bytes = name.utf8
        return !bytes.isEmpty && bytes.count <= bytesMax && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// The namespace a name belongs to: what precedes the first colon, after a leading `$`; empty for none.
    package static func namespace(of name: String) -> Substring {
        let rest = name.first == "$" ? name.dropFirst() : name[...]
        guard let colon = rest.firstIndex(of: ":") else { return "" }
        return rest[..<colon]
    }

    /// `$name`: a subscription token is required.
    package static func isPrivate(_ name: String) -> Bool { name.utf8.first == UInt8(ascii: "$") }

    /// `name#1,2`: the only users who may subscribe, or nil where the name limits nobody.
    package static func users(of name: String) -> [Substring]? {
        guard let hash = name.lastIndex(of: "#") else { return nil }
        return name[name.index(after: hash)...].split(separator: ",")
    }
}
