// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Connections that wait at the door for what the authority says of their sessions, each session asked about once.
struct AdmissionQueue {
    typealias Completion = @Sendable (_ isAdmitted: Bool) -> Void

    private struct Guest {
        var identity: Identity
        var completions: [Completion]
        let deadline: Int64
        var isAsked = false
    }

    private struct Deadline {
        var key: String
        var at: Int64
    }

    private let waitingMax: Int
    private var guests: [String: Guest] = [:]
    /// Keys to ask about, with some that need not be any more.
    private var unasked: [String] = []
    /// Sessions that are in no call yet.
    private(set) var unaskedCount = 0
    /// In the order of their times, since all have the same patience; from `deadlineStart` on.
    private var deadlines: [Deadline] = []
    private var deadlineStart = 0
    /// Connections that wait.
    private(set) var count = 0

    init(waitingMax: Int) { self.waitingMax = waitingMax }

    /// False where too many wait already.
    mutating func add(_ identity: Identity, _ key: String, until deadline: Int64, _ completion: @escaping Completion)
        -> Bool
    {
        guard self.count < self.waitingMax else { return false }
        self.count += 1
        if self.guests[key] != nil {
            self.guests[key]?.completions.append(completion)
        } else {
            self.guests[key] = Guest(identity: identity, completions: [completion], deadline: deadline)
            self.unasked.append(key)
            self.unaskedCount += 1
            self.deadlines.append(Deadline(key: key, at: deadline))
        }
        return true
    }

    /// The next sessions to ask about.
    mutating func take(_ max: Int) -> [Identity] {
        var identities: [Identity] = []
        var looked = 0
        for key in self.unasked where identities.count < max {
            looked += 1
            guard let guest = self.guests[key], !guest.isAsked else { continue }
            self.guests[key]?.isAsked = true
            identities.append(guest.identity)
        }
        self.unasked.removeFirst(looked)
        self.unaskedCount -= identities.count
        return identities
    }

    /// Their call failed: they wait for another.
    mutating func askAgain(_ key: String) {
        guard self.guests[key]?.isAsked == true else { return }
        self.guests[key]?.isAsked = false
        self.unasked.append(key)
        self.unaskedCount += 1
    }

    /// It is known what becomes of a session.
    mutating func settle(_ key: String) -> [Completion] {
        guard let guest = self.guests.removeValue(forKey: key) else { return [] }
        if !guest.isAsked { self.unaskedCount -= 1 }
        self.count -= guest.completions.count
        return guest.completions
    }

    /// Those who have waited for too long.
    mutating func expire(now: Int64) -> [Completion] {
        var completions: [Completion] = []
        while self.deadlineStart < self.deadlines.count, self.deadlines[self.deadlineStart].at <= now {
            let deadline = self.deadlines[self.deadlineStart]
            self.deadlineStart += 1
            // The same session may have been settled since, and have come again.
            if self.guests[deadline.key]?.deadline == deadline.at { completions += self.settle(deadline.key) }
        }
        if self.deadlineStart > 1_024 || self.deadlineStart == self.deadlines.count {
            self.deadlines.removeFirst(self.deadlineStart)
            self.deadlineStart = 0
        }
        return completions
    }

    /// All of them, at the end.
    mutating func settleAll() -> [Completion] {
        defer { self = AdmissionQueue(waitingMax: self.waitingMax) }
        return self.guests.values.flatMap(\.completions)
    }
}
