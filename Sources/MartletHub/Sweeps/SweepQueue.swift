// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Events that are not through with a shard's connections, and how far the shard has come with them.
struct SweepQueue {
    /// The first of those that name a user or a session, and where its connections are.
    struct Named {
        let event: SweepEvent
        let slots: [Int32]
        var cursor = 0
    }

    /// A look at every connection for a batch of the others.
    struct Pass {
        let batch: SweepBatch
        var cursor = 0
    }

    /// Those that name a user or a session with many connections, in the order in which they came.
    var waiting = Line<SweepEvent>()
    var named: Named?
    /// What came before the pass under way began is looked for by it, and what comes by the next.
    var pass: Pass?
    private var gathered = SweepBatch()

    var count: Int {
        self.waiting.count + (self.named == nil ? 0 : 1) + self.gathered.count + (self.pass?.batch.count ?? 0)
    }
    var isEmpty: Bool { self.count == 0 }

    mutating func add(_ event: SweepEvent) {
        switch event.invalidation.target {
        case .session, .user: self.waiting.append(event)
        case .token, .claim: self.gathered.add(event)
        }
    }

    /// Begins with a pass for all that was gathered, unless one is under way.
    mutating func beginPass() {
        guard self.pass == nil, self.gathered.count > 0 else { return }
        self.pass = Pass(batch: self.gathered)
        self.gathered = SweepBatch()
    }
}
