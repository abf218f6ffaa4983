// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletHTTP

/// An authority over HTTP: where it is, and how it is called.
package struct Authority: Sendable {
    package var url: String
    package var timeout: Duration = .seconds(5)
    package var answerBytesMax = 1_048_576
    package var credentials = AuthorityCredentials(.none)
    /// Lines of the head of every call.
    package var headers: [(name: String, value: String)] = []
    /// Its connections; nil for those that all of the process share.
    package var pool: HTTPPool?

    package init(url: String) { self.url = url }

    func call(isForm: Bool = false) throws -> HTTPCall {
        var call = HTTPCall(url: self.url, timeout: self.timeout, answerBytesMax: self.answerBytesMax)
        call.headers = self.headers
        if let line = try self.credentials.authorization(isForm: isForm) {
            call.headers.append(("Authorization", line))
        }
        call.pool = self.pool
        return call
    }

    func shutdown() async { await self.pool?.shutdown() }
}
