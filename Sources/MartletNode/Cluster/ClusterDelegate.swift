// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// The node that takes part in a cluster.
protocol ClusterDelegate: AnyObject, Sendable {
    /// As it is now.
    var member: ClusterMember { get }

    /// Does here what all nodes were asked to.
    func answer(_ method: String, _ body: [UInt8]) async throws(APIError) -> NodeAnswer
}
