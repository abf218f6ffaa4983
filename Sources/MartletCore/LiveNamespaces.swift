// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The namespaces in force, for whoever asks from any thread.
package final class LiveNamespaces: Sendable {
    private let table: Mutex<NamespaceTable>

    package init(_ table: NamespaceTable) { self.table = Mutex(table) }

    package func replace(_ table: NamespaceTable) { self.table.withLock { $0 = table } }

    /// The options of a channel; nil where its namespace is unknown.
    package func options(of channel: String) -> NamespaceOptions? { self.table.withLock { $0 }.options(of: channel) }
}
