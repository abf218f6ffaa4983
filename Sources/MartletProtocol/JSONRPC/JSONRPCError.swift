// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The error object of JSON-RPC 2.0.
package struct JSONRPCError: Equatable, Sendable, Error {
    package let code: Int32
    package let message: String

    package init(code: Int32, message: String) {
        self.code = code
        self.message = message
    }

    /// An error of the application, by its Centrifuge code.
    package init(_ error: CentrifugeError) {
        self.init(code: Int32(error.code), message: error.text)
    }

    package static let parseError = Self(code: -32700, message: "parse error")
    package static let invalidRequest = Self(code: -32600, message: "invalid request")
    package static let methodNotFound = Self(code: -32601, message: "method not found")
    package static let internalError = Self(code: -32603, message: "internal error")

    /// - Parameter what: The parameter at fault.
    package static func invalidParams(_ what: String) -> Self {
        Self(code: -32602, message: "invalid params: \(what)")
    }
}
