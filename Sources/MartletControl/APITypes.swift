// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package struct APIError: Error, Sendable, Equatable {
    package var code: Int
    package var message: String

    package init(code: Int, message: String) {
        self.code = code
        self.message = message
    }
}

package struct APIDisconnectRequest: Sendable, Equatable {
    package var user: String
    package var client: String?
    package var session: String?
    package var code: UInt16?
    package var reason: String?
}

package struct APIRevokeRequest: Sendable, Equatable {
    package var session: String?
    package var user: String?
    package var token: String?
    package var before: Int64?
    package var reason: String?
}

package struct APINodeInfo: Sendable, Equatable {
    package var uid: String
    package var name: String
    package var version: String
    package var clients: Int
    package var users: Int
    package var channels: Int
    package var subscriptions: Int
    package var uptime: Double
}
