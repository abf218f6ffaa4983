// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletInstruments
package import MartletProtocol

/// What the control port asks of its node.
///
/// Everything here may be called from any thread. What cannot be done throws an error of Centrifugo's table; nothing
/// succeeds in silence when it did not.
package protocol NodeOperations: Sendable {
    /// What `/metrics` exposes.
    var metrics: MetricsRegistry { get }

    func readiness() -> Readiness

    /// What the console shows; asked once a second by each open page.
    func overview() -> NodeOverview

    /// The nodes that this one knows of, itself among them.
    func info() async throws(APIError) -> [NodeInfo]

    /// Publishes JSON on one line to a channel; returns when the bus has taken it.
    func publish(channel: String, data: [UInt8]) async throws(APIError)

    /// Ends the connections that match, on all nodes.
    func disconnect(_ request: APIRequest.Disconnect) async throws(APIError)

    /// Remembers a revocation and ends what it matches, on all nodes; returns when it is as durable as the
    /// configuration can make it.
    func revoke(_ request: APIRequest.Revoke) async throws(APIError) -> RevocationReceipt

    /// A token for the demo, signed with a key that lives as long as the process; nil outside development mode.
    func demoToken(user: String, session: String) -> String?
}
