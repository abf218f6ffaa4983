// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletReactor

/// Connections that get several subscriptions at once are told of all of them in one message: what comes in those that
/// are there already is held back until the last is.
extension Shard {
    func hold(_ publication: Publication, for slot: Int32) {
        if self.held[slot, default: HeldPublications()].append(publication, bytesMax: self.limits.pendingBytesMax) {
            return
        }
        self.edge?.end(slot, reason: .slow)
    }

    /// Sends what was held back, and from now on what comes.
    package func release(_ slot: Int32) {
        guard self.identity(of: slot) != nil else { return }
        for entry in self.outlets[Int(slot)].subscriptions.all where entry.position >= 0 {
            self.channels[entry.channel].subscribers[Int(entry.position)].flags.remove(.held)
        }
        let format = self.outlets[Int(slot)].format
        for publication in self.held.removeValue(forKey: slot)?.publications ?? [] {
            var encoder = PublicationEncoder(publication)
            self.reactor.enqueue(encoder.frame(format, in: self.reactor), to: slot)
        }
    }
}
