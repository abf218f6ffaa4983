// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import MartletReactor

/// What clients say, whatever carried it here.
extension EdgeShard {
    /// A message in a protocol's own terms: a WebSocket's, or the body of a request.
    func message(_ slot: Int32, _ payload: Span<UInt8>) {
        let kind = self.connections[Int(slot)].kind
        switch kind.language {
        case .centrifuge where kind.isUnidirectional: self.unidirectionalMessage(slot, payload)
        case .centrifuge: self.centrifugeMessage(slot, payload)
        case .jsonRPC: self.rpcMessage(slot, payload)
        case .events: break
        }
    }

    /// The one message of a client of a unidirectional transport: a request to connect by itself. Later ones mean
    /// nothing.
    private func unidirectionalMessage(_ slot: Int32, _ payload: Span<UInt8>) {
        guard self.takeCommand(slot) else { return self.end(slot, reason: .tooManyRequests) }
        guard !self.connections[Int(slot)].flags.contains(.connected), !self.isWaiting(slot) else { return }
        guard let request = CentrifugeJSON.connectRequest(payload) else { return self.end(slot, reason: .badRequest) }
        self.connect(slot, request, id: 1)
    }
}
