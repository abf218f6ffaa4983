// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Bytes that a delegate left unconsumed, in a heap block that exists only as long as there are any.
@safe
struct KeptInput: BitwiseCopyable {
    /// Count and capacity as two 32-bit numbers, then the bytes.
    private let block: UnsafeMutableRawPointer
    private static let headBytes = 8

    /// Nil when there is no memory.
    init?(copying source: UnsafeRawBufferPointer) {
        guard let block = unsafe malloc(Self.headBytes + source.count) else { return nil }
        unsafe self.block = unsafe block
        unsafe block.storeBytes(of: UInt32(source.count), toByteOffset: 4, as: UInt32.self)
        unsafe self.fill(source)
    }

    var count: Int { Int(unsafe self.block.load(as: UInt32.self)) }
    private var capacity: Int { Int(unsafe self.block.load(fromByteOffset: 4, as: UInt32.self)) }

    /// The bytes, valid until the block is freed or replaced.
    @unsafe var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: self.block + Self.headBytes, count: self.count)
    }

    /// Takes other bytes in place of its own: in the same block where they fit and do not waste most of it.
    func replaced(by source: UnsafeRawBufferPointer) -> KeptInput? {
        if source.count <= self.capacity, self.capacity <= 2 * source.count + 64 {
            unsafe self.fill(source)
            return self
        }
        // The source is the read buffer, never this block.
        let successor = unsafe KeptInput(copying: source)
        self.free()
        return successor
    }

    func free() { unsafe Glibc.free(self.block) }

    private func fill(_ source: UnsafeRawBufferPointer) {
        unsafe self.block.storeBytes(of: UInt32(source.count), as: UInt32.self)
        guard let start = source.baseAddress else { return }
        unsafe memcpy(self.block + Self.headBytes, start, source.count)
    }
}
