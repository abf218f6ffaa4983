// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletInstruments

/// What the loops of a node count together. Written from every loop, read from any thread.
package final class ReactorShared: Sendable {
    /// Connections the node is meant to hold. The edge refuses what lies above; the loops only count.
    package let capacity: Int
    /// Connections that are open, those that are being refused or closed included.
    package let openConnections = Gauge()
    /// Bytes that kernels refused and that wait in the loops.
    package let pendingBytes = Gauge()
    package let accepts = Counter()
    /// Connections closed at once because the loop's table was full.
    package let refusals = Counter()
    /// Connections closed at once because there was no descriptor for them.
    package let descriptorExhaustions = Counter()
    package let sends = Counter()
    package let bytesSent = Counter()
    package let bytesReceived = Counter()

    /// - Parameter capacity: Nil means: as many as descriptors allow.
    package init(capacity: Int? = nil) {
        self.capacity = capacity ?? DescriptorLimit.connections(of: DescriptorLimit.current)
    }
}
