// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import MartletReactor
import MartletWire

/// The Centrifuge protocol on responses that do not end.
extension EdgeShard {
    /// The last message says why, as there is no close frame that could.
    func endStream(_ slot: Int32, _ notice: CloseNotice) {
        self.push(slot, .disconnect(notice))
        if self.connections[Int(slot)].flags.contains(.chunked) {
            self.reactor.send(ChunkedEncoding.last, to: slot)
        }
        self.finish(slot, reason: notice.reason)
    }
}
