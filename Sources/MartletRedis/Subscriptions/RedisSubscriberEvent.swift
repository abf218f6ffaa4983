// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a `RedisSubscriberConnection` tells besides messages.
package enum RedisSubscriberEvent: Hashable, Sendable {
    /// There is a connection; what was subscribed is being subscribed again.
    case opened
    /// All that was subscribed when the connection opened is subscribed again.
    case restored
    /// The connection ended, or could not be made; the next is on its way.
    case closed(RedisError, wasOpen: Bool)
    /// Redis acknowledged: messages of this channel come from now on.
    case subscribed(String)
    case unsubscribed(String)
}
