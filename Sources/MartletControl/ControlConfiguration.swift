// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletProtocol

/// The settings of the internal listener.
package struct ControlConfiguration: Sendable {
    /// Address to listen on; port 0 means any free one.
    package var host = "127.0.0.1"
    package var port = 9000
    /// Keys of which a caller of the API must know one. Without any, and outside development mode, every call is
    /// refused.
    package var apiKeys = APIKeys([])
    package var apiEnabled = true
    /// The console asks the API, so without the API there is none.
    package var consoleEnabled = false
    package var demoEnabled = false
    /// An API without a key, for loopback `Host` and `Origin` values only, and tokens for the demo.
    package var developmentMode = false
    /// Where pages connect to as clients: `host:port` of the public listener, or a URL. An unspecified host (`0.0.0.0`
    /// or `::`) stands for the host that the page was loaded from.
    package var publicAddress = "127.0.0.1:8000"
    /// Shown in the pages.
    package var version = ""
    /// Bytes of an API request's body.
    package var bodyBytesMax = 1_048_576
    /// Open connections to this listener; more wait in the kernel's queue.
    package var connectionsMax = 1_024

    /// Where identity providers deliver tokens.
    package var receivers = Receivers()

    package struct Receivers: Sendable {
        /// What is received; each kind has a path of its own.
        package var kinds: Set<EventTokenKind> = []
        /// What transmitters of security events must know one of, where they are asked.
        package var bearers = APIKeys([])
        package var asksForBearer = false
        /// Whether the listener serves nothing else.
        package var areAlone = false

        package init() {}
    }

    package init() {}

    /// Development mode: nothing configured, everything on.
    package static var development: Self {
        var configuration = Self()
        configuration.developmentMode = true
        configuration.consoleEnabled = true
        configuration.demoEnabled = true
        return configuration
    }
}
