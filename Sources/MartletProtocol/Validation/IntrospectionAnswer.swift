// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a token introspection endpoint answers (RFC 7662 section 2.2), as far as it matters here.
///
/// `active` must be there and a boolean: whatever else comes must pass neither for a good token nor for a bad one.
package struct IntrospectionAnswer: Equatable, Sendable {
    package struct Malformed: Error, Equatable, Sendable {
        package let what: String
    }

    package var isActive: Bool
    /// Seconds since 1970, or nil.
    package var expiresAt: Double?

    package init(_ body: Span<UInt8>) throws(Malformed) {
        guard let document = JSONScanner.document(body) else { throw Malformed(what: "not JSON") }
        guard document.kind == .object else { throw Malformed(what: "not an object") }
        var isActive: Bool?
        var members = document.members
        while let member = members.next(in: body) {
            switch member.name(in: body) {
            case "active":
                guard isActive == nil, let active = member.value.boolean(in: body) else {
                    throw Malformed(what: "active is not one boolean")
                }
                isActive = active
            case "exp":
                guard let seconds = member.value.double(in: body), seconds.isFinite else {
                    throw Malformed(what: "exp is not a number")
                }
                self.expiresAt = seconds
            default: break
            }
        }
        guard let isActive else { throw Malformed(what: "active is missing") }
        self.isActive = isActive
    }
}
