// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A fixed number of zeroed elements in memory mapped for them alone: a page costs nothing before it is first written,
/// nothing moves, and reading or writing an element counts no references.
///
/// An index is checked on every access. The owner unmaps it once, when nobody can use it any more.
@safe
struct MappedArray<Element: BitwiseCopyable> {
    private let base: UnsafeMutablePointer<Element>
    let capacity: Int

    init(capacity: Int) throws(ReactorError) {
        let bytes = max(1, capacity) * MemoryLayout<Element>.stride
        let memory = unsafe mmap(
            nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw ReactorError("cannot map \(bytes) bytes of memory", code: errno)
        }
        // Mapped memory is zeroed and page-aligned, and a bitwise copyable element needs no further initialization.
        unsafe self.base = memory.bindMemory(to: Element.self, capacity: max(1, capacity))
        self.capacity = capacity
    }

    func unmap() { _ = unsafe munmap(self.base, max(1, self.capacity) * MemoryLayout<Element>.stride) }

    subscript(index: Int) -> Element {
        @inline(__always) get {
            precondition(index >= 0 && index < self.capacity, "index out of the mapped array")
            return unsafe self.base[index]
        }
        @inline(__always) nonmutating _modify {
            precondition(index >= 0 && index < self.capacity, "index out of the mapped array")
            yield unsafe &self.base[index]
        }
    }

    /// Gives the pages that lie wholly beyond `index` back to the system; they read as zero afterwards.
    func discard(from index: Int) {
        let page = 4096
        let first = (index * MemoryLayout<Element>.stride + page - 1) / page * page
        let end = self.capacity * MemoryLayout<Element>.stride
        guard first < end else { return }
        _ = unsafe madvise(UnsafeMutableRawPointer(self.base) + first, end - first, MADV_DONTNEED)
    }

    /// The memory itself, for system calls that fill or read it; valid until `unmap`.
    @unsafe var pointer: UnsafeMutablePointer<Element> { unsafe self.base }
}
