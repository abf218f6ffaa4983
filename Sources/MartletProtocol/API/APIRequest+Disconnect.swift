// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension APIRequest {
    /// `disconnect`: the connections of `user`, of these only those of `client` or `session` where they are given, but
    /// none of `whitelist`; `disconnect` holds another `code` and `reason` than those of a forced disconnect.
    package struct Disconnect: Equatable, Sendable {
        package var user: String
        package var client: String?
        package var session: String?
        package var whitelist: [String] = []
        /// 3000 to 4999; nil for the usual one.
        package var code: UInt16?
        /// At most 123 bytes, what a close frame can hold.
        package var reason: String?

        package init(_ body: Span<UInt8>) throws(APIError) {
            self.user = ""
            var members = try APIFields(body).members
            while let member = members.next(in: body) {
                switch member.name(in: body) {
                case "user": self.user = try APIFields.text(member, body) ?? ""
                case "client": self.client = try APIFields.text(member, body).flatMap { $0.isEmpty ? nil : $0 }
                case "session": self.session = try APIFields.text(member, body).flatMap { $0.isEmpty ? nil : $0 }
                case "whitelist":
                    self.whitelist = try APIFields.texts(member, body, countMax: APIRequest.whitelistMax)
                case "disconnect": try self.readReason(member.value, body)
                default: break
                }
            }
            if self.user.isEmpty { throw .badRequest("user is missing") }
        }

        private mutating func readReason(_ value: JSONValue, _ body: Span<UInt8>) throws(APIError) {
            if value.isNull { return }
            guard value.kind == .object else { throw .badRequest("disconnect is not an object") }
            var members = value.members
            while let member = members.next(in: body) {
                switch member.name(in: body) {
                case "code":
                    guard let code = member.value.uint64(in: body), code == 0 || 3000...4999 ~= code else {
                        throw .badRequest("code is not one of 3000 to 4999")
                    }
                    self.code = code == 0 ? nil : UInt16(code)
                case "reason":
                    let reason = try APIFields.text(member, body) ?? ""
                    guard reason.utf8.count <= 123 else { throw .badRequest("reason has more than 123 bytes") }
                    self.reason = reason.isEmpty ? nil : reason
                default: break
                }
            }
        }
    }
}
