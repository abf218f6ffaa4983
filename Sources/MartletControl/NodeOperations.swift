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
    func nodes() -> ClusterOverview

    /// Does what the API was asked, on all nodes that it concerns; never a broadcast, which is asked for in pieces.
    func perform(_ command: APICommand) async throws(APIError) -> APIResult

    /// Takes a token that an identity provider delivered, which says that a session has ended; returns once that holds
    /// for every node that there is.
    func take(_ token: String, _ kind: EventTokenKind) async -> EventTokenReceipt

    /// A token for the demo, signed with a key that lives as long as the process; nil outside development mode.
    func demoToken(user: String, session: String) -> String?
}
