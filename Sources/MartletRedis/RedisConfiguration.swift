// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of the connections to one Redis server.
package struct RedisConfiguration: Sendable {
    package var url: RedisURL
    /// What `CLIENT LIST` shows.
    package var clientName: String
    /// For the connection to be made and its first replies (AUTH, SELECT, PING) to come.
    package var connectTimeout: Duration = .seconds(2)
    /// From the sending of a command to its reply. One that takes longer costs the connection, since RESP has no way
    /// of giving up on a reply alone.
    package var commandTimeout: Duration = .seconds(2)
    /// Commands that may wait for replies, and their bytes.
    package var commandsMax = 65_536
    package var commandBytesMax = 67_108_864
    /// How often the subscriber connection, on which nothing may come for hours, is asked whether it lives, and how
    /// long the answer may take.
    package var keepAliveInterval: Duration = .seconds(5)
    package var keepAliveTimeout: Duration = .seconds(3)
    /// Channels in one SUBSCRIBE or UNSUBSCRIBE, and subscriptions that may wait for acknowledgement.
    package var subscribeBatchMax = 512
    package var subscribeWindowMax = 16_384
    package var backoffBase: Duration = .milliseconds(100)
    package var backoffCeiling: Duration = .seconds(5)
    package var replyLimits = RESPLimits()

    package init(url: RedisURL, clientName: String = "martlet") {
        self.url = url
        self.clientName = clientName
    }
}
