// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// All that a loop keeps of a connection: 48 bytes, and heap only while input is cut or output unsent.
struct ConnectionRecord: BitwiseCopyable {
    var descriptor: Int32
    /// Counts the uses of the row, in 24 bits.
    var generation: UInt32
    var flags: ConnectionFlags
    /// Which listener it came from; 255 for an outbound connection.
    var listener: UInt8
    var cause: ReactorCloseCause
    /// The last node of the output queue, whose nodes form a ring; -1 when it is empty.
    var queueTail: Int32
    /// Bytes of the first queued frame that are already sent.
    var sentOfFirst: UInt32
    /// Unsent bytes in the queue.
    var queuedBytes: UInt32
    /// Neighbours in the deadline wheel; see `DeadlineWheel`.
    var wheelNext: Int32
    var wheelPrevious: Int32
    /// The tick its deadline is at, or zero.
    var due: UInt32
    /// The next row in the list it is in: the free rows, or those to be attended to.
    var next: Int32
    /// Bytes the delegate did not consume.
    var kept: KeptInput?

    /// Whether the delegate may still send and receive.
    @inline(__always) var isOpen: Bool {
        self.flags.contains(.occupied) && self.flags.isDisjoint(with: [.closing, .finishing])
    }

    /// Whether the delegate is given what comes.
    @inline(__always) var takesInput: Bool {
        self.isOpen || self.flags.contains(.awaitsPeer) && !self.flags.contains(.closing)
    }
}
