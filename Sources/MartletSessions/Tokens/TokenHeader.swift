// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// What a token's header says about its signature (RFC 7515 section 4).
struct TokenHeader {
    var algorithm: String?
    var identifier: String?
    var type: String?

    /// Nil where it is not the header of a token that can be judged here; `crit` names what must be understood and is
    /// not, so it refuses the token.
    init?(_ bytes: [UInt8]) {
        let text = bytes.span
        guard let document = JSONScanner.document(text), document.kind == .object else { return nil }
        var members = document.members
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "alg":
                guard let algorithm = member.value.string(in: text) else { return nil }
                self.algorithm = algorithm
            case "kid":
                guard let identifier = member.value.string(in: text) else { return nil }
                self.identifier = identifier
            case "typ":
                // Of another type than it must be, it is the type of nothing.
                self.type = member.value.string(in: text) ?? ""
            case "crit": return nil
            default: break
            }
        }
    }
}
