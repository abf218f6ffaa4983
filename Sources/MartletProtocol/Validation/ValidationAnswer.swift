// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the authority answers: the sessions that are no longer valid, of those it was asked about.
///
///     {"invalid": [{"session": "…", "reason": "…"}, "…"]}
///
/// An entry is an object with an optional reason, or the session alone. Whatever cannot be read as exactly this is an
/// error: it must never pass for "all are valid".
package struct ValidationAnswer: Equatable, Sendable {
    /// Says what is wrong with an answer.
    package struct Malformed: Error, Equatable, Sendable {
        package let what: String
    }

    package struct Invalid: Equatable, Sendable {
        package var session: String
        package var reason: String?

        package init(session: String, reason: String? = nil) {
            self.session = session
            self.reason = reason
        }
    }

    package var invalid: [Invalid]

    package init(invalid: [Invalid]) { self.invalid = invalid }

    package init(_ body: Span<UInt8>) throws(Malformed) {
        guard let document = JSONScanner.document(body) else { throw Malformed(what: "not JSON") }
        guard document.kind == .object else { throw Malformed(what: "not an object") }
        var invalid: [Invalid]?
        var members = document.members
        while let member = members.next(in: body) {
            guard member.name(in: body) == "invalid" else { continue }
            guard member.value.kind == .array else { throw Malformed(what: "invalid is not an array") }
            guard invalid == nil else { throw Malformed(what: "invalid is there twice") }
            var entries: [Invalid] = []
            var elements = member.value.elements
            while let element = elements.next(in: body) { entries.append(try Self.entry(element, body)) }
            invalid = entries
        }
        guard let invalid else { throw Malformed(what: "invalid is missing") }
        self.invalid = invalid
    }

    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 16 + 64 * self.invalid.count)
        writer.beginObject()
        writer.key("invalid")
        writer.beginArray()
        for entry in self.invalid {
            writer.beginObject()
            writer.member("session", entry.session)
            writer.member("reason", ifAny: entry.reason)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private static func entry(_ value: JSONValue, _ body: Span<UInt8>) throws(Malformed) -> Invalid {
        if let session = value.string(in: body) {
            guard !session.isEmpty else { throw Malformed(what: "an entry is empty") }
            return Invalid(session: session)
        }
        guard value.kind == .object else { throw Malformed(what: "an entry is neither a string nor an object") }
        var session: String?
        var reason: String?
        var members = value.members
        while let member = members.next(in: body) {
            switch member.name(in: body) {
            case "session": session = member.value.string(in: body)
            case "reason":
                if member.value.isNull { continue }
                guard let text = member.value.string(in: body) else { throw Malformed(what: "a reason is no string") }
                reason = text
            default: break
            }
        }
        guard let session, !session.isEmpty else { throw Malformed(what: "an entry names no session") }
        return Invalid(session: session, reason: reason)
    }
}
