// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A Lua script that Redis runs as one command. Redis itself says the digest by which it is then called.
package final class RedisScript: Sendable {
    package let source: String
    private let known = Mutex<String?>(nil)

    package init(_ source: String) { self.source = source }

    /// Nil until Redis has said it.
    package var digest: String? { self.known.withLock { $0 } }

    func learned(_ reply: Result<RESPValue, RedisError>) {
        guard case .success(let value) = reply, let digest = value.text, digest.utf8.count == 40 else { return }
        self.known.withLock { $0 = digest }
    }
}
