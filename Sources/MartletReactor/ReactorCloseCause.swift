// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why a connection ended, as the socket layer saw it.
package enum ReactorCloseCause: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// The peer ended its side.
    case peerClosed
    /// The connection broke: reset by the peer, or timed out in the kernel.
    case reset
    /// `finish` was called, and either all was sent and the peer ended too, or the time for that was over.
    case finished
    /// `abort` was called.
    case aborted
    /// More input was left unconsumed than `inputBytesMax`.
    case inputTooLarge
    /// More output was queued than the loop's tables hold; bounds far above `pendingBytesMax`.
    case outputTooLarge
    /// An outbound connection did not come about.
    case connectFailed
    /// The reactor stopped.
    case stopped
}
