// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
package import MartletRedis

/// How a `RedisBus` behaves.
package struct RedisBusConfiguration: Sendable {
    package var redis: RedisConfiguration
    /// Names the cluster: nodes with the same prefix on the same Redis belong together.
    package var prefix = "martlet"
    /// For which a channel that nobody wants any more stays subscribed.
    package var linger: Duration = .seconds(5)
    /// For which a subscriber waits for Redis.
    package var subscribeTimeout: Duration = .seconds(5)
    package var probeInterval: Duration = .seconds(3)
    /// In which a probe must come back; it stands in line behind whatever else comes.
    package var probeTimeout: Duration = .seconds(5)
    /// Bytes of a payload that another service publishes.
    package var publicationBytesMax = 1_048_576
    /// What such payloads are in a channel.
    package var payloads: @Sendable (String) -> NamespaceOptions.Data = { _ in .json }

    package var presence = RedisPresenceLimits()
    /// Bytes that one reading of history or presence may bring.
    package var readBytesMax = 33_554_432

    package init(redis: RedisConfiguration) { self.redis = redis }

    /// Whether a prefix can be used: letters, digits, `-`, `_` and `:`, and not a colon at its end.
    package static func isValid(prefix: String) -> Bool {
        !prefix.isEmpty && prefix.utf8.count <= 128 && prefix.last != ":"
            && prefix.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_:".contains($0)) }
    }
}
