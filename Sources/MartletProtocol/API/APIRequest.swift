// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The bodies of the server API's requests, JSON objects as Centrifugo's clients send them; unknown fields are ignored.
package enum APIRequest {
    /// Channels of one broadcast.
    package static let channelsMax = 10_000
    /// Clients that one disconnect spares.
    package static let whitelistMax = 1_000
    /// Commands of one batch.
    package static let commandsMax = 10_000
    /// Bytes of a pattern for channels' names.
    package static let patternBytesMax = 255
    /// Bytes of an idempotency key.
    package static let idempotencyKeyBytesMax = 255
}
