// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a record of a topic was found to be.
package enum InvalidationOutcome: Equatable, Sendable {
    case decoded(DecodedInvalidation)
    /// In order, and about something else.
    case foreign
    case bad(BadRecordReason)

    package init(_ result: Result<DecodedInvalidation, BadRecordReason>) {
        switch result {
        case .success(let decoded): self = .decoded(decoded)
        case .failure(let reason): self = .bad(reason)
        }
    }
}
