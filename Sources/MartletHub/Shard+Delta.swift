// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Who is given patches, and against what.
///
/// A patch is for those who were given the publication before by this shard, in a subscription that has not ended
/// since. What is dropped for a connection ends it or its subscription, so that nobody gets a patch for what he lacks
/// (see `EdgeShard.overflowed`).
extension Shard {
    /// Counts a subscriber that takes patches; its flags say whether what it begins with is what the next is against.
    func beginDelta(_ flags: SubscriptionFlags, _ channel: Int32, _ start: SubscriptionStart) -> SubscriptionFlags {
        guard flags.contains(.delta) else { return flags }
        let delta = self.channels[channel].delta ?? DeltaBase()
        self.channels[channel].delta = delta
        delta.subscribers += 1
        if let last = start.publications.last, let position = last.position {
            if delta.latest == nil { delta.latest = last }
            // Something without a position may have come since.
            if delta.latest?.position == position { return flags.union(.based) }
        }
        delta.unbased += 1
        return flags
    }

    func endDelta(_ flags: SubscriptionFlags, _ channel: Int32) {
        guard flags.contains(.delta), let delta = self.channels[channel].delta else { return }
        delta.subscribers -= 1
        if !flags.contains(.based) { delta.unbased -= 1 }
        if delta.subscribers == 0 { self.channels[channel].delta = nil }
    }

    /// Notes what is about to be handed to all subscribers; what the patches among that are against.
    func rebase(_ channel: Int32, to publication: Publication) -> Publication? {
        guard let delta = self.channels[channel].delta else { return nil }
        let base = delta.latest
        delta.latest = publication
        guard delta.unbased > 0 else { return base }
        delta.unbased = 0
        for index in self.channels[channel].subscribers.indices
        where self.channels[channel].subscribers[index].flags.contains(.delta) {
            self.channels[channel].subscribers[index].flags.insert(.based)
        }
        return base
    }
}
