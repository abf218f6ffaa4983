// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletHub
import MartletProtocol

/// Who is in which channel of a node that is alone. Its hub bounds it, as it bounds subscriptions.
struct MemoryPresence: Sendable {
    private struct Members: Sendable {
        var infos: [String: [UInt8]] = [:]
        var users: [String: Int] = [:]

        mutating func insert(_ client: String, _ info: [UInt8]) {
            if let old = self.infos.updateValue(info, forKey: client) { self.count(old, -1) }
            self.count(info, 1)
        }

        mutating func remove(_ client: String) {
            guard let info = self.infos.removeValue(forKey: client) else { return }
            self.count(info, -1)
        }

        private mutating func count(_ info: [UInt8], _ difference: Int) {
            let user = PresenceValue.user(of: info)
            let count = self.users[user, default: 0] + difference
            self.users[user] = count > 0 ? count : nil
        }
    }

    private var channels: [String: Members] = [:]

    mutating func enter(_ channel: String, client: String, info: [UInt8]) {
        self.channels[channel, default: Members()].insert(client, info)
    }

    mutating func leave(_ channel: String, client: String) {
        self.channels[channel]?.remove(client)
        if self.channels[channel]?.infos.isEmpty == true { self.channels[channel] = nil }
    }

    func entries(_ channel: String) -> [PresenceEntry] {
        self.channels[channel]?.infos.map { PresenceEntry(client: $0.key, info: $0.value) } ?? []
    }

    func stats(_ channel: String) -> PresenceStats {
        guard let members = self.channels[channel] else { return PresenceStats(clients: 0, users: 0) }
        return PresenceStats(clients: members.infos.count, users: members.users.count)
    }
}
