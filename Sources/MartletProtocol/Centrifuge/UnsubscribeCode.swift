// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why the server ends a subscription; from 2500 on, the client subscribes again by itself.
package enum UnsubscribeCode: UInt32, CaseIterable, Sendable {
    case serverUnsubscribe = 2000
    case insufficientState = 2500
    case subscriptionExpired = 2501
    case stateInvalidated = 2502

    package var code: UInt32 { self.rawValue }
    package var mayResubscribe: Bool { self.rawValue >= 2500 }

    package var text: String {
        switch self {
        case .serverUnsubscribe: "server unsubscribe"
        case .insufficientState: "insufficient state"
        case .subscriptionExpired: "subscription expired"
        case .stateInvalidated: "state invalidated"
        }
    }
}
