// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a node admits. No number where there is no limit.
package struct AdmissionConfiguration: Sendable {
    package var connectionsMax: Int
    package var connectsPerSecond: Double?
    /// How that rate begins; nil where it is there from the first connection on.
    package var slowStart: SlowStart?
    package var connectionsPerAddressMax: Int?
    package var connectionsPerUserMax: Int?
    /// How long a refused client is told to stay away, before jitter.
    package var retryAfter: Duration
    /// Clients behind these addresses are not counted by address: it is the proxy's, not theirs.
    package var trustedProxies: [CIDR]

    package init(
        connectionsMax: Int, connectsPerSecond: Double? = nil, slowStart: SlowStart? = nil,
        connectionsPerAddressMax: Int? = nil, connectionsPerUserMax: Int? = nil, retryAfter: Duration = .seconds(5),
        trustedProxies: [CIDR] = []
    ) {
        self.connectionsMax = connectionsMax
        self.connectsPerSecond = connectsPerSecond
        self.slowStart = slowStart
        self.connectionsPerAddressMax = connectionsPerAddressMax
        self.connectionsPerUserMax = connectionsPerUserMax
        self.retryAfter = retryAfter
        self.trustedProxies = trustedProxies
    }
}
