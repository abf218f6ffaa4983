// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletReactor

/// What the clients of one loop do: the part of the command line that they need, and which of the run's clients they
/// are.
struct ClientPlan: Codable, Sendable {
    /// `127.0.0.1:8000`.
    var target: String
    var kind: ClientKind
    /// The number of the first client, and how many there are.
    var first = 0
    var count = 0
    /// Connects a second.
    var rate: Double
    var channels: Int
    var channelPrefix: String
    /// Nil: each client is a user of its own.
    var users: Int?
    /// Nil: no tokens.
    var secret: String?
    /// A claim of every token's, `name=value`.
    var claim: String?
    var tokenIssuedAt: Int64
    var tokenLifetime: Int64
    /// Loopback addresses from 127.0.0.2 on that connects come from; zero for the kernel's choice.
    var sourceAddresses: Int
    /// Whether every client is there before the first message.
    var startsAtOne: Bool

    /// The same for a part of the clients.
    func part(first: Int, count: Int, ofParts parts: Int) -> ClientPlan {
        var part = self
        part.first = first
        part.count = count
        part.rate = self.rate / Double(max(1, parts))
        return part
    }

    func parts(_ count: Int) -> [ClientPlan] {
        var first = self.first
        return Share.sizes(of: self.count, in: count).map { size in
            defer { first += size }
            return self.part(first: first, count: size, ofParts: count)
        }
    }

    func channel(of client: Int) -> Int { client % max(1, self.channels) }
    func channelName(_ channel: Int) -> String { self.channelPrefix + String(channel) }
    func user(of client: Int) -> Int { client % max(1, self.users ?? .max) }

    func source(of client: Int) -> SocketAddress? {
        guard self.sourceAddresses > 0 else { return nil }
        return SocketAddress(PeerAddress(v4: 0x7F00_0002 + UInt32(truncatingIfNeeded: client % self.sourceAddresses)))
    }
}
