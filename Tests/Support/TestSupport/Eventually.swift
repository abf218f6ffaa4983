// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Whether a condition holds within a time; asked every few milliseconds.
package func eventually(within limit: Duration = .seconds(30), _ condition: () async throws -> Bool) async rethrows
    -> Bool
{
    let end = ContinuousClock.now + limit
    while true {
        if try await condition() { return true }
        guard ContinuousClock.now < end else { return false }
        try? await Task.sleep(for: .milliseconds(5))
    }
}
