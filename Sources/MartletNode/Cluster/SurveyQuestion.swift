// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// What one node asks all of them, itself included.
struct SurveyQuestion: Equatable, Sendable {
    /// The asker's own number for it.
    var number: UInt64
    /// The asker's identifier, to which the answers go.
    var asker: String
    /// What is to be done or told.
    var method: String
    /// JSON on one line that the method knows how to read.
    var body: [UInt8]

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("number", self.number)
        writer.member("asker", self.asker)
        writer.member("method", self.method)
        writer.member("body", raw: self.body)
        writer.endObject()
    }

    init(number: UInt64, asker: String, method: String, body: [UInt8]) {
        self.number = number
        self.asker = asker
        self.method = method
        self.body = body
    }

    init?(_ value: JSONValue, _ bytes: Span<UInt8>) {
        guard value.kind == .object else { return nil }
        self.init(number: 0, asker: "", method: "", body: [])
        var members = value.members
        while let member = members.next(in: bytes) {
            switch member.name(in: bytes) {
            case "number": self.number = member.value.uint64(in: bytes) ?? 0
            case "asker": self.asker = member.value.string(in: bytes) ?? ""
            case "method": self.method = member.value.string(in: bytes) ?? ""
            case "body": self.body = member.value.raw(in: bytes)
            default: break
            }
        }
        if self.asker.isEmpty || self.method.isEmpty || self.body.isEmpty { return nil }
    }
}
