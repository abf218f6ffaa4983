// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Reads from a client on a thread of its own.
final class ReaderThread: @unchecked Sendable {
    private let answer = Answer<Int>()
    private let client: TestClient

    /// The client is used by this thread alone until `result` has returned.
    init(_ client: TestClient, count: Int) {
        self.client = client
        let thread = Thread { [self] in
            self.answer.give((try? self.client.receive(count: count).count) ?? -1)
        }
        thread.start()
    }

    func result() -> Int { self.answer.wait() }
}
