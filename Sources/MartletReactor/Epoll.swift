// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The kernel's list of what a loop waits for.
@safe
struct Epoll {
    /// What an event is about, in the upper half of its data; the lower half is a number.
    enum Subject: UInt32 {
        case connection, listener, wake
    }

    static let input = EPOLLIN.rawValue
    static let output = EPOLLOUT.rawValue
    static let edgeTriggered = martlet_edge_triggered
    /// Told whether asked for or not.
    static let broken = EPOLLERR.rawValue | EPOLLHUP.rawValue

    private let descriptor: Int32
    private let events: UnsafeMutableBufferPointer<epoll_event>

    init(eventsMax: Int) throws(ReactorError) {
        let descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw ReactorError("cannot create an epoll descriptor", code: errno) }
        self.descriptor = descriptor
        // Freed by `close`; the kernel writes an element before it is read.
        unsafe self.events = .allocate(capacity: max(1, eventsMax))
    }

    func close() {
        Glibc.close(self.descriptor)
        unsafe self.events.deallocate()
    }

    func add(_ target: Int32, _ subject: Subject, _ number: Int32, events: UInt32) -> Bool {
        self.control(EPOLL_CTL_ADD, target, subject, number, events)
    }

    func modify(_ target: Int32, _ subject: Subject, _ number: Int32, events: UInt32) -> Bool {
        self.control(EPOLL_CTL_MOD, target, subject, number, events)
    }

    /// How many events there are, after at most `milliseconds`.
    func wait(milliseconds: Int32) -> Int {
        // The kernel writes at most as many events as the array holds. An interrupted wait is an early turn.
        Int(max(0, unsafe epoll_wait(self.descriptor, self.events.baseAddress, Int32(self.events.count), milliseconds)))
    }

    func event(_ index: Int) -> (subject: Subject, number: Int32, events: UInt32)? {
        precondition(unsafe index >= 0 && index < self.events.count, "no such event")
        let event = unsafe self.events[index]
        // We alone wrote the data, as one number.
        let data = unsafe event.data.u64
        guard let subject = Subject(rawValue: UInt32(truncatingIfNeeded: data >> 32)) else { return nil }
        return unsafe (subject, Int32(truncatingIfNeeded: data), event.events)
    }

    private func control(
        _ operation: Int32, _ target: Int32, _ subject: Subject, _ number: Int32, _ events: UInt32
    ) -> Bool {
        let data = UInt64(subject.rawValue) << 32 | UInt64(UInt32(bitPattern: number))
        var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: data))
        return unsafe epoll_ctl(self.descriptor, operation, target, &event) == 0
    }
}
