// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// The close reason that an entry of the table keeps, in three bits.
enum RevocationReason: UInt8 {
    case session = 1
    case user, token, claim, validation

    init(_ invalidation: Invalidation) {
        if invalidation.source == .pull {
            self = .validation
        } else {
            switch invalidation.target {
            case .session: self = .session
            case .user: self = .user
            case .token: self = .token
            case .claim: self = .claim
            }
        }
    }

    var closeReason: CloseReason {
        switch self {
        case .session: .sessionRevoked
        case .user: .userRevoked
        case .token: .tokenRevoked
        case .claim: .claimRevoked
        case .validation: .validationFailed
        }
    }
}
