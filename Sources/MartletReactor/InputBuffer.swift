// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The one buffer that all connections of a loop are read into, and that bytes are given to the delegate in.
final class InputBuffer {
    static let readBytes = 65_536

    private let bytes: MappedArray<UInt8>

    /// Room for what a connection may have kept, and a full read behind it.
    init(keptBytesMax: Int) throws(ReactorError) {
        self.bytes = try MappedArray(capacity: max(0, keptBytesMax) + 2 * Self.readBytes)
    }

    func unmap() { self.bytes.unmap() }

    /// Reads what a socket has, behind what its connection kept.
    /// - Returns: The count of bytes, zero at the end, or a negative error number.
    func read(_ descriptor: Int32, behind kept: KeptInput?) -> Int {
        let offset = kept?.count ?? 0
        let room = min(Self.readBytes, self.bytes.capacity - offset)
        guard room > 0 else { return -Int(ENOBUFS) }
        while true {
            // The kernel writes no more than the room there is.
            let count = unsafe recv(descriptor, self.bytes.pointer + offset, room, 0)
            if count >= 0 {
                self.load(kept)
                return count
            }
            if errno != EINTR { return -Int(errno) }
        }
    }

    /// Puts what was kept at the beginning.
    func load(_ kept: KeptInput?) {
        guard let kept, let source = unsafe kept.bytes.baseAddress else { return }
        // What was kept fits: it came from this buffer.
        unsafe memcpy(self.bytes.pointer, source, min(kept.count, self.bytes.capacity))
    }

    /// Gives the first `count` bytes in place.
    func withBytes(_ count: Int, _ body: (inout MutableSpan<UInt8>) -> Int) -> Int {
        // Nothing else reads or writes the buffer until the body returns: reads are never nested.
        let length = min(count, self.bytes.capacity)
        let buffer = unsafe UnsafeMutableBufferPointer(start: self.bytes.pointer, count: length)
        var span = unsafe buffer.mutableSpan
        return body(&span)
    }

    /// The bytes from `start` to `end`, valid until the next read.
    @unsafe
    func slice(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: self.bytes.pointer + start, count: end - start)
    }
}
