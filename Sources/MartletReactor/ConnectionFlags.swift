// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Where a connection stands.
struct ConnectionFlags: OptionSet, BitwiseCopyable {
    let rawValue: UInt16

    /// The row is in use.
    static let occupied = ConnectionFlags(rawValue: 1 << 0)
    /// An outbound connection that the kernel has not finished.
    static let connecting = ConnectionFlags(rawValue: 1 << 1)
    /// The delegate wants no bytes for now.
    static let paused = ConnectionFlags(rawValue: 1 << 2)
    /// The kernel refused bytes; it tells when it takes more.
    static let blocked = ConnectionFlags(rawValue: 1 << 3)
    /// In the list of those that the end of the turn attends to.
    static let listed = ConnectionFlags(rawValue: 1 << 4)
    /// `finish` was called: nothing is given to the delegate or taken from it any more.
    static let finishing = ConnectionFlags(rawValue: 1 << 5)
    /// All was sent, and our side ended or awaits the peer's word; the peer's end is awaited.
    static let lingering = ConnectionFlags(rawValue: 1 << 6)
    /// To be closed when it is attended to.
    static let closing = ConnectionFlags(rawValue: 1 << 7)
    /// The delegate knows that too much is pending.
    static let overflowTold = ConnectionFlags(rawValue: 1 << 8)
    /// Kept bytes are to be given again.
    static let redeliver = ConnectionFlags(rawValue: 1 << 9)
    /// The peer ended its side.
    static let inputEnded = ConnectionFlags(rawValue: 1 << 10)
    /// Its deadline came and was not yet told.
    static let expired = ConnectionFlags(rawValue: 1 << 11)
    /// What epoll is watching it for.
    static let watchedForInput = ConnectionFlags(rawValue: 1 << 12)
    static let watchedForOutput = ConnectionFlags(rawValue: 1 << 13)
    /// `closed` is owed to the delegate without an `accepted` before it.
    static let uncounted = ConnectionFlags(rawValue: 1 << 14)
    /// `finish` leaves our side open until the delegate has read what it awaits.
    static let awaitsPeer = ConnectionFlags(rawValue: 1 << 15)
}
