// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What lies above the sockets: bytes in, actions out. Every method is called on the loop's own thread, and may call
/// every method of its reactor.
package protocol ReactorDelegate: AnyObject {
    /// A new inbound connection, or an outbound one that is now connected.
    func accepted(_ slot: Int32, address: PeerAddress)
    /// Bytes came. They may be changed in place; what is not consumed is kept and given again before what follows it.
    /// - Returns: How many of them are done with, counted from the first.
    func received(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>) -> Int
    /// The one deadline of the connection came, and is thereby cleared.
    func deadlineReached(_ slot: Int32)
    /// More than `pendingBytesMax` stays unsent after the kernel refused, or this connection is among the worst when
    /// all together wait for more than `pendingBytesTotalMax`. The delegate is to close it, or to discard output.
    func overflowed(_ slot: Int32)
    /// The end, once per `accepted` (and once for an outbound connection that failed); then the slot is used again.
    func closed(_ slot: Int32, cause: ReactorCloseCause)
    /// Another thread called `wake`, once or more often, since the last time.
    func woken()
    /// Called every 100 ms.
    func ticked()
}
