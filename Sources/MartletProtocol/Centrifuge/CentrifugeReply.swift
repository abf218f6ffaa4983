// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// The answer to a command, whatever the encoding it leaves in.
package enum CentrifugeReply: Equatable, Sendable {
    case connect(ConnectResult)
    case subscribe(SubscribeResult)
    case unsubscribe
    case publish
    case presence([String: CentrifugeClientInfo])
    case presenceStats(clients: UInt32, users: UInt32)
    case history([Publication], top: StreamPosition)
    case ping
    /// `data` is JSON on one line, or nil.
    case rpc(data: [UInt8]?)
    case refresh(RefreshResult)
    /// Seconds until the subscription expires; nil where it does not.
    case subRefresh(expiresIn: UInt32?)
    case error(code: UInt32, message: String, isTemporary: Bool)

    package static func error(_ error: CentrifugeError) -> Self {
        .error(code: error.code, message: error.text, isTemporary: error.isTemporary)
    }
}

extension CentrifugeReply {
    package struct ConnectResult: Equatable, Sendable {
        package var client: String
        package var version: String
        /// Seconds within which the client must refresh its token; nil where it need not.
        package var expiresIn: UInt32?
        /// JSON on one line, or nil.
        package var data: [UInt8]?
        /// Server-side subscriptions by channel.
        package var subscriptions: [String: SubscribeResult] = [:]
        /// Seconds between the server's pings; zero where it sends none.
        package var pingInterval: UInt32 = 0
        /// Whether the client must answer pings.
        package var wantsPong = false
        package var session = ""
        package var node = ""

        package init(client: String, version: String = "") {
            self.client = client
            self.version = version
        }
    }

    package struct SubscribeResult: Equatable, Sendable {
        /// Seconds until the subscription expires; nil where it does not.
        package var expiresIn: UInt32?
        package var recoverable = false
        package var positioned = false
        package var position = StreamPosition()
        package var publications: [Publication] = []
        package var recovered = false
        package var wasRecovering = false
        /// JSON on one line, or nil.
        package var data: [UInt8]?
        package var delta = false

        package init() {}
    }

    package struct RefreshResult: Equatable, Sendable {
        package var client: String
        package var version: String
        package var expiresIn: UInt32?

        package init(client: String, version: String = "", expiresIn: UInt32? = nil) {
            self.client = client
            self.version = version
            self.expiresIn = expiresIn
        }
    }
}
