// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The channels of Redis that a cluster uses.
///
/// Publications have `<prefix>.<channel>`; all else is under `<prefix>:`, which therefore no channel can reach. A
/// prefix has no dot, so that no cluster's channels are another's.
struct RedisNames: Sendable {
    /// `<prefix>.`
    let publicationPrefix: [UInt8]
    let control: String
    let probe: String
    private let prefix: String

    init(prefix: String, nodeID: String) {
        self.prefix = prefix + "."
        self.publicationPrefix = Array(self.prefix.utf8)
        self.control = prefix + ":control"
        self.probe = prefix + ":probe:" + nodeID
    }

    func publications(of channel: String) -> String { self.prefix + channel }

    /// The channel whose publications have this name in Redis, which begins with the prefix.
    func channel(of name: String) -> String { String(name.utf8.dropFirst(self.publicationPrefix.count)) ?? "" }
}
