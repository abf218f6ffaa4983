// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import Synchronization

/// How the node shows the authority who it is.
package final class AuthorityCredentials: Sendable {
    package enum Kind: Sendable {
        case none
        case bearer(String)
        /// A file that holds a bearer token, which others may replace while the node runs.
        case bearerFile(String)
        /// In the head of a request (RFC 7617), or as a client's of OAuth (RFC 6749 section 2.3.1).
        case basic(user: String, password: String)
    }

    package struct Unreadable: Error, CustomStringConvertible {
        package let path: String

        package var description: String { "the bearer token in \(self.path) cannot be read" }
    }

    private struct Token {
        var text: String
        var readAt: Int64
    }

    /// How long a token from a file is used before the file is read again.
    private static let rereadAfter: Int64 = 15_000_000_000

    private let kind: Kind
    private let token = Mutex<Token?>(nil)

    package init(_ kind: Kind) { self.kind = kind }

    /// The `Authorization` of a call, or nil.
    ///
    /// - Parameter isForm: Whether user and password are encoded as in a form, as OAuth wants it.
    func authorization(isForm: Bool = false, now: Int64 = Clock.monotonic) throws(Unreadable) -> String? {
        switch self.kind {
        case .none: return nil
        case .bearer(let token): return "Bearer \(token)"
        case .bearerFile(let path): return "Bearer \(try self.read(path, now))"
        case .basic(let user, let password):
            let (user, password) = isForm ? (FormBody.encode(user), FormBody.encode(password)) : (user, password)
            return "Basic \(Data("\(user):\(password)".utf8).base64EncodedString())"
        }
    }

    private func read(_ path: String, _ now: Int64) throws(Unreadable) -> String {
        if let token = self.token.withLock({ $0 }), now - token.readAt < Self.rereadAfter { return token.text }
        guard let content = try? String(contentsOfFile: path, encoding: .utf8) else { throw Unreadable(path: path) }
        let text = content.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty, !text.contains(where: \.isNewline) else { throw Unreadable(path: path) }
        self.token.withLock { $0 = Token(text: text, readAt: now) }
        return text
    }
}
