// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// An event for whose connections a shard has still to look.
struct SweepEvent {
    let invalidation: Invalidation
    let tally: ClosureTally?
}
