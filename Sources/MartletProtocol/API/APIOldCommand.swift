// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A request in the API's old form, `{"id", "method", "params"}`; one body holds one or several, each after the other.
package struct APIOldCommand: Equatable, Sendable {
    /// Given back with the answer; 0 where the request has none.
    package var id: UInt64
    /// Nil for one that the API does not have.
    package var method: APIMethod?
    package var body: [UInt8]

    package static func read(_ text: Span<UInt8>) throws(APIError) -> [APIOldCommand] {
        var commands: [APIOldCommand] = []
        var position = JSONScanner.skipWhitespace(text, 0)
        while position < text.count {
            guard let value = JSONScanner.value(in: text, at: position) else {
                throw .badRequest("the body is not JSON")
            }
            guard value.kind == .object else { throw .badRequest("the body is not an object") }
            guard commands.count < APIRequest.commandsMax else {
                throw .badRequest("the body has more than \(APIRequest.commandsMax) commands")
            }
            commands.append(try Self(value, text))
            position = JSONScanner.skipWhitespace(text, value.range.upperBound)
        }
        if commands.isEmpty { throw .badRequest("the body is empty") }
        return commands
    }

    private init(_ object: JSONValue, _ text: Span<UInt8>) throws(APIError) {
        (self.id, self.method, self.body) = (0, nil, [])
        var members = object.members
        while let member = members.next(in: text) {
            switch member.name(in: text) {
            case "id" where !member.value.isNull:
                guard let id = member.value.uint64(in: text) else {
                    throw .badRequest("id is not a whole number from 0 up")
                }
                self.id = id
            case "method": self.method = member.value.string(in: text).flatMap(APIMethod.init(rawValue:))
            case "params" where !member.value.isNull: self.body = member.value.raw(in: text)
            default: break
            }
        }
    }
}
