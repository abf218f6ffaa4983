// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What one system call is to send: the queued frames of one connection, small ones copied next to each other and large
/// ones where they are.
@safe
final class OutputGather {
    /// Copying costs less than a vector of its own up to about this size.
    private static let copiedMax = 2048
    private static let vectorsMax = 64
    private static let scratchBytes = 131_072
    /// A send of more keeps the others waiting.
    private static let totalMax = 262_144

    private let scratch: MappedArray<UInt8>
    private let vectors: MappedArray<iovec>
    private var scratchUsed = 0
    private var vectorCount = 0
    /// Whether the last vector ends where the used scratch does, so that it can grow.
    private var lastGrows = false
    private(set) var total = 0

    init() throws(ReactorError) {
        self.scratch = try MappedArray(capacity: Self.scratchBytes)
        unsafe self.vectors = try MappedArray(capacity: Self.vectorsMax)
    }

    func unmap() {
        self.scratch.unmap()
        unsafe self.vectors.unmap()
    }

    /// Collects from the first frame of the ring that ends in `tail`.
    func collect(tail: Int32, sentOfFirst: Int, nodes: OutputNodes, frames: FrameTable) {
        self.scratchUsed = 0
        self.vectorCount = 0
        self.lastGrows = false
        self.total = 0
        var node = nodes[tail].next
        var offset = sentOfFirst
        let isAlone = node == tail
        while self.total < Self.totalMax {
            let frame = nodes[node].frame
            let count = frames.count(of: frame) - offset
            guard let bytes = unsafe frames.bytes(of: frame) else { return }
            // The queue holds the frame, so its bytes stay where they are until the send has returned.
            guard unsafe self.append(bytes + offset, count, mayCopy: !isAlone) else { return }
            if node == tail { return }
            node = nodes[node].next
            offset = 0
        }
    }

    /// Sends what was collected; the count of bytes the kernel took, or a negative error number.
    ///
    /// - Parameter isLast: Our side ends right after it. The kernel then waits for that end and sends both in one packet,
    ///   which halves the work of both sides where an event ends many connections at once.
    func send(to descriptor: Int32, isLast: Bool) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | (isLast ? Int32(MSG_MORE) : 0)
        while true {
            let sent: Int
            if self.vectorCount == 1 {
                let vector = unsafe self.vectors[0]
                sent = unsafe Glibc.send(descriptor, vector.iov_base, vector.iov_len, flags)
            } else {
                var message = unsafe msghdr()
                unsafe message.msg_iov = self.vectors.pointer
                unsafe message.msg_iovlen = self.vectorCount
                sent = unsafe sendmsg(descriptor, &message, flags)
            }
            if sent >= 0 { return sent }
            if errno != EINTR { return -Int(errno) }
        }
    }

    /// False when there is no room for it.
    private func append(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, mayCopy: Bool) -> Bool {
        if mayCopy, count <= Self.copiedMax, self.scratchUsed + count <= Self.scratchBytes {
            guard self.lastGrows || self.vectorCount < Self.vectorsMax else { return false }
            let target = unsafe self.scratch.pointer + self.scratchUsed
            unsafe memcpy(target, bytes, count)
            self.scratchUsed += count
            if self.lastGrows {
                unsafe self.vectors[self.vectorCount - 1].iov_len += count
            } else {
                unsafe self.vectors[self.vectorCount] = iovec(iov_base: target, iov_len: count)
                self.vectorCount += 1
                self.lastGrows = true
            }
        } else {
            guard self.vectorCount < Self.vectorsMax else { return false }
            unsafe self.vectors[self.vectorCount] = iovec(iov_base: bytes, iov_len: count)
            self.vectorCount += 1
            self.lastGrows = false
        }
        self.total += count
        return true
    }
}
