// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension APIRequest {
    /// `batch`: commands, each an object with its method's name as the only key and the body as its value. `parallel`
    /// lets them be done at the same time; otherwise each waits for the one before.
    package struct Batch: Equatable, Sendable {
        package struct Command: Equatable, Sendable {
            /// Nil for one that the API does not have.
            package var method: APIMethod?
            package var body: [UInt8]
        }

        package var commands: [Command] = []
        package var isParallel: Bool

        package static let fields = ["commands", "parallel"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.isParallel = try fields.flag("parallel", body)
            guard let commands = fields.value("commands") else { throw .badRequest("commands is missing") }
            guard commands.kind == .array else { throw .badRequest("commands is not an array") }
            var elements = commands.elements
            while let element = elements.next(in: body) {
                guard self.commands.count < APIRequest.commandsMax else {
                    throw .badRequest("commands has more than \(APIRequest.commandsMax) elements")
                }
                guard element.kind == .object else { throw .badRequest("commands holds what is not an object") }
                self.commands.append(Self.command(element, body))
            }
        }

        private static func command(_ element: JSONValue, _ body: Span<UInt8>) -> Command {
            var members = element.members
            while let member = members.next(in: body) {
                if member.value.isNull { continue }
                guard let method = APIMethod(rawValue: member.name(in: body)), method.isBatchable else { continue }
                return Command(method: method, body: member.value.raw(in: body))
            }
            return Command(method: nil, body: [])
        }
    }
}
