// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletControl
import MartletCore
import MartletEdge
import MartletHub
import MartletPolicy
import MartletSessions
import Synchronization

/// What changes while the node runs.
extension NodeRuntime {
    func reload(from read: () throws -> NodeConfiguration) {
        do {
            self.reload(try read())
        } catch {
            self.logger.error("the configuration was not taken over", metadata: ["error": "\(error)"])
        }
    }

    /// Takes over the live keys of a configuration that was read again. Where it cannot be, nothing changes.
    func reload(_ fresh: NodeConfiguration) {
        let old = self.live.withLock { $0 }
        guard fresh.isDevelopment == old.isDevelopment else {
            return self.logger.error(
                "the configuration was not taken over: development mode begins or ends by a restart")
        }
        let changes = old.changes(to: fresh)
        let result = old.takingOver(fresh)
        let settings = Self.verifierConfiguration(result, self.demoSecret)
        do throws(TokenKeyError) {
            try self.verifier.replaceKeys(hmacSecrets: settings.hmacSecrets, publicKeys: settings.publicKeys)
        } catch {
            return self.logger.error("the configuration was not taken over", metadata: ["error": "\(error)"])
        }
        self.apiKeys.replace(result.api.keys)
        if changes.live.contains(where: { $0.hasPrefix("rebalance.") }) {
            self.rebalancer.reconfigure(result.rebalance)
        }
        self.edge.reconfigure(Self.admissionConfiguration(result))
        for concern in result.concerns { self.logger.warning("\(concern)") }
        self.live.withLock { live in
            live = result
            self.namespaces.replace(result.namespaceTable)
        }
        self.hub.tellAll(.reconfigured(result.limits, result.namespaceTable))
        self.logger.info("the configuration was read again", metadata: ["changed": "\(changes.live)"])
        if !changes.fixed.isEmpty {
            self.logger.warning("these need a restart to take effect", metadata: ["keys": "\(changes.fixed)"])
        }
    }

    /// The options of a channel, as they are now; nil where its namespace is unknown.
    func options(of channel: String) -> NamespaceOptions? { self.namespaces.options(of: channel) }
}
