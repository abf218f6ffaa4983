// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// An authority that knows which sessions are alive.
package protocol SessionValidator: Sendable {
    /// One outcome for each session, in their order. Throws where the call failed: then nothing is known of any.
    func validate(_ sessions: [SessionToValidate]) async throws -> [ValidationOutcome]
    /// Before the first call.
    func start()
    /// After the last: gives back what calls were made over.
    func shutdown() async
}

extension SessionValidator {
    package func start() {}
    package func shutdown() async {}
}
