// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A connection that is in a channel.
package struct PresenceEntry: Hashable, Sendable {
    /// The connection's `client`.
    package var client: String
    /// The JSON of its `ClientInfo`.
    package var info: [UInt8]

    package init(client: String, info: [UInt8]) {
        self.client = client
        self.info = info
    }
}
