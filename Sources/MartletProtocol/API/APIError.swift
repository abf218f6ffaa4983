// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why the API did not do what it was asked, as its answers say it.
package struct APIError: Error, Equatable, Sendable {
    package var code: UInt32
    package var message: String

    package init(code: UInt32, message: String) {
        self.code = code
        self.message = message
    }

    package init(_ error: CentrifugeError) {
        self.init(code: error.code, message: error.text)
    }

    /// - Parameter what: What is wrong with the request, for whoever wrote it.
    package static func badRequest(_ what: String) -> Self {
        Self(code: CentrifugeError.badRequest.code, message: "bad request: \(what)")
    }

    /// As a member of the answer's object.
    func write(to writer: inout JSONWriter) {
        writer.key("error")
        writer.beginObject()
        writer.member("code", self.code)
        writer.member("message", self.message)
        writer.endObject()
    }
}
