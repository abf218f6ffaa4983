// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Events that name tokens or claims, looked for together: what thousands of them cost is about what one does, as each
/// connection is looked at once.
struct SweepBatch {
    /// By the hash of what they name; two names with one hash share a list, so whoever finds it compares.
    private var events: [UInt64: [SweepEvent]] = [:]
    private var tallies: [ClosureTally] = []
    /// Of the tokens that are named.
    private(set) var marks = TokenMarks.Choice()
    private(set) var namesClaims = false
    private(set) var count = 0

    mutating func add(_ event: SweepEvent) {
        let target = event.invalidation.target
        guard let hash = Self.hash(target) else { return }
        self.count += 1
        if let tally = event.tally { self.tallies.append(tally) }
        if case .token = target { self.marks.insert(hash: hash) } else { self.namesClaims = true }
        var same = self.events[hash] ?? []
        if let index = same.firstIndex(where: { $0.invalidation.target.hasNames(of: target) }) {
            // The later of two that name the same means whomever the other does.
            if same[index].invalidation.target.isBefore(target) { same[index] = event }
        } else {
            same.append(event)
        }
        self.events[hash] = same
    }

    /// The event that ends a connection, or nil.
    ///
    /// - Parameter mark: That of its token.
    func event(endingOneOf identity: Identity, mark: UInt16) -> SweepEvent? {
        if self.marks.contains(mark), let token = identity.token,
            let event = self.event(SlotIndex.hash(token), identity)
        {
            return event
        }
        guard self.namesClaims else { return nil }
        for claim in identity.claims {
            if let event = self.event(Self.hash(claim.name, claim.value), identity) { return event }
        }
        return nil
    }

    /// To be called when all connections have been looked at.
    func finish() {
        for tally in self.tallies { tally.shardFinished() }
    }

    private func event(_ hash: UInt64, _ identity: Identity) -> SweepEvent? {
        self.events[hash]?.first { $0.invalidation.matches(identity) }
    }

    private static func hash(_ target: Invalidation.Target) -> UInt64? {
        switch target {
        case .token(let token): SlotIndex.hash(token)
        case .claim(let name, let value, _): Self.hash(name, value)
        case .session, .user: nil
        }
    }

    private static func hash(_ name: String, _ value: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(name)
        hasher.combine(value)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}

extension Invalidation.Target {
    /// Whether both name the same token, or the same value of the same claim: byte for byte, as they are compared with
    /// those of connections.
    fileprivate func hasNames(of other: Self) -> Bool {
        switch (self, other) {
        case (.token(let token), .token(let other)): token.utf8.elementsEqual(other.utf8)
        case (.claim(let name, let value, _), .claim(let otherName, let otherValue, _)):
            name.utf8.elementsEqual(otherName.utf8) && value.utf8.elementsEqual(otherValue.utf8)
        default: false
        }
    }

    /// Whether it ends fewer than another of the same names.
    fileprivate func isBefore(_ other: Self) -> Bool {
        guard case .claim(_, _, let before) = self, case .claim(_, _, let otherBefore) = other else { return false }
        return before < otherBefore
    }
}
