// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// The key that a session has in Redis: text with `{session}`, `{user}` and `{token}` in it.
struct RedisKeyTemplate: Sendable {
    private enum Part: Hashable {
        case text(String)
        case session, user, token
    }

    private static let names: [Substring: Part] = ["session": .session, "user": .user, "token": .token]

    private let parts: [Part]

    /// Nil where a brace is left over or names something else, or where every session would have the same key.
    init?(_ template: String) {
        var parts: [Part] = []
        var rest = template[...]
        while let open = rest.firstIndex(of: "{") {
            guard !rest[..<open].contains("}"), let close = rest[open...].firstIndex(of: "}"),
                let part = Self.names[rest[rest.index(after: open)..<close]]
            else { return nil }
            if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
            parts.append(part)
            rest = rest[rest.index(after: close)...]
        }
        guard !rest.contains("}"), !parts.isEmpty else { return nil }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        self.parts = parts
    }

    /// What counts as one: a key that names the token is one of the token's.
    var unit: ValidationUnit { self.parts.contains(.token) ? .token : .session }

    /// Nil where the identity lacks what the key names.
    func key(of identity: Identity) -> String? {
        var key = ""
        for part in self.parts {
            switch part {
            case .text(let text): key += text
            case .session: key += identity.sessionKey
            case .user: key += identity.user
            case .token:
                guard let token = identity.token else { return nil }
                key += token
            }
        }
        return key
    }
}
