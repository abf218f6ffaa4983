// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// Something that the run asks a node's API for.
enum APICall: Equatable, Sendable {
    case publish(channel: Int)
    case revoke(user: Int)

    var path: String {
        switch self {
        case .publish: "/api/publish"
        case .revoke: "/api/revoke"
        }
    }
}
