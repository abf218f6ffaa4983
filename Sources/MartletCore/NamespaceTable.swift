// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The namespaces of a node, by name.
package struct NamespaceTable: Sendable, Equatable {
    private let listed: [String: NamespaceOptions]
    private let unlisted: NamespaceOptions?
    private let withoutNamespace: NamespaceOptions

    /// - Parameters:
    ///   - listed: The configured namespaces; of two with one name the first counts.
    ///   - unlisted: The options of all others; nil refuses their channels.
    package init(_ listed: [NamespaceOptions], unlisted: NamespaceOptions? = nil) {
        self.listed = Dictionary(listed.map { ($0.name, $0) }) { first, _ in first }
        self.unlisted = unlisted
        self.withoutNamespace = self.listed[""] ?? unlisted ?? NamespaceOptions()
    }

    /// The options of a channel, or nil where its namespace is unknown (Centrifuge error 102).
    package func options(of channel: String) -> NamespaceOptions? {
        let name = ChannelName.namespace(of: channel)
        return name.isEmpty ? self.withoutNamespace : self.listed[String(name)] ?? self.unlisted
    }
}
