// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletInstruments
import MartletReactor

extension NodeRuntime {
    /// What the reactors count, under the node's names.
    func registerReactorReaders() {
        guard let shared = self.reactorShared else { return }
        self.metrics.reader(
            "martlet_outbound_pending_bytes", .gauge, "Bytes that the kernel refused and that wait for their peers."
        ) { Double(shared.pendingBytes.current) }
        self.metrics.reader("martlet_sockets", .gauge, "Accepted sockets, admitted or not.") {
            Double(shared.openConnections.current)
        }
        self.metrics.reader("martlet_accepts_total", .counter, "Sockets accepted.") { Double(shared.accepts.total) }
        self.metrics.reader("martlet_sends_total", .counter, "Calls that sent bytes to clients.") {
            Double(shared.sends.total)
        }
        self.metrics.reader("martlet_sent_bytes_total", .counter, "Bytes sent to clients.") {
            Double(shared.bytesSent.total)
        }
        self.metrics.reader("martlet_received_bytes_total", .counter, "Bytes received from clients.") {
            Double(shared.bytesReceived.total)
        }
        self.metrics.reader(
            "martlet_descriptor_exhaustions_total", .counter, "Connections turned away because no descriptor was left."
        ) { Double(shared.descriptorExhaustions.total) }
    }
}
