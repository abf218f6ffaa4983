// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// What Redis keeps of a connection that is in a channel: `lease · 0x00 · info · 0x00 · user`.
///
/// The lease says whose it is, and the user is set apart so that users are counted where the entries lie.
enum PresenceValue {
    static func user(of info: [UInt8]) -> String { CentrifugeClientInfo(info.span)?.user ?? "" }

    /// What stands behind the lease, which changes while the rest does not.
    static func tail(_ info: [UInt8]) -> [UInt8] { [0] + info + [0] + Array(Self.user(of: info).utf8) }

    static func encode(lease: String, tail: [UInt8]) -> [UInt8] { Array(lease.utf8) + tail }
}
