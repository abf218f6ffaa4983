// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletProtocol

/// Which back-end is asked what, and how long and how much.
package struct ProxyConfiguration: Sendable {
    package struct Endpoint: Sendable {
        package var url: String
        package var timeout: Duration

        package init(url: String, timeout: Duration = .seconds(3)) {
            self.url = url
            self.timeout = timeout
        }
    }

    package var endpoints: [ProxyMethod: Endpoint] = [:]
    /// Questions under way at a time, to each endpoint.
    package var concurrencyMax = 100
    /// Questions that wait for that, to each endpoint.
    package var waitingMax = 1_000
    package var answerBytesMax = 1_048_576
    /// Lines that every question bears.
    package var staticHeaders: [String: String] = [:]
    /// Failures in a row after which an endpoint is left alone.
    package var failuresMax = 5
    /// For how long at first, and at most.
    package var pause: Duration = .milliseconds(500)
    package var pauseMax: Duration = .seconds(10)

    package init() {}
}
