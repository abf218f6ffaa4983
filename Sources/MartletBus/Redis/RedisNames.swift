// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The channels and keys of Redis that a cluster uses.
///
/// Publications have `<prefix>.<channel>`; all else is under `<prefix>:`, which therefore no channel can reach. A
/// prefix has no dot, so that no cluster's channels are another's; for the same reason the keys of a channel have one
/// before its name.
struct RedisNames: Sendable {
    /// `<prefix>.`
    let publicationPrefix: [UInt8]
    let control: String
    let probe: String
    /// What this node alone is sent.
    let own: String
    /// The stream of revocations, and what is to be known of it.
    let revocations: String
    let revocationState: String
    /// Says that a node writes them again.
    let revocationRepair: String
    /// What precedes the name of a lease in its key.
    let leasePrefix: String
    private let prefix: String
    private let root: String

    init(prefix: String, nodeID: String) {
        self.prefix = prefix + "."
        self.publicationPrefix = Array(self.prefix.utf8)
        self.control = prefix + ":control"
        self.probe = prefix + ":probe:" + nodeID
        self.root = prefix + ":"
        self.own = self.root + "to:" + nodeID
        self.revocations = self.root + "revocations"
        self.revocationState = self.root + "revocations:state"
        self.revocationRepair = self.root + "revocations:repair"
        self.leasePrefix = self.root + "node:"
    }

    func messages(to node: String) -> String { self.root + "to:" + node }

    /// Where a channel's stream stands: a hash of epoch `e`, offset `o`, version `v` and its epoch `w`.
    func position(of channel: String) -> String { self.root + "position." + channel }

    /// A channel's publications: a stream whose identifiers are the offsets.
    func history(of channel: String) -> String { self.root + "history." + channel }

    /// Who is in a channel: a hash of clients.
    func presence(of channel: String) -> String { self.root + "presence." + channel }

    /// The length keeps a channel and a key from being another channel and another key.
    func idempotency(of channel: String, _ key: String) -> String {
        "\(self.root)idempotency.\(channel.utf8.count).\(channel).\(key)"
    }

    func publications(of channel: String) -> String { self.prefix + channel }

    /// The channel whose publications have this name in Redis, which begins with the prefix.
    func channel(of name: String) -> String { String(name.utf8.dropFirst(self.publicationPrefix.count)) ?? "" }
}
