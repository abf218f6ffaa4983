// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Synchronization

/// The thread of a loop: started once, asked to stop from anywhere, joined once.
final class ReactorThread: Sendable {
    private enum State {
        case idle
        case running(pthread_t)
        case joined
    }

    private let state = Mutex(State.idle)
    private let stopRequested = Atomic<Bool>(false)
    /// The thread's number while it runs, or zero.
    private let current = Atomic<UInt>(0)

    var mustStop: Bool { self.stopRequested.load(ordering: .acquiring) }

    func requestStop() { self.stopRequested.store(true, ordering: .releasing) }

    /// Whether the caller is this thread, or there is none.
    var isCurrentOrNone: Bool {
        let current = self.current.load(ordering: .relaxed)
        return current == 0 || current == UInt(pthread_self())
    }

    func start(name: String, body: @escaping @Sendable () -> Void) throws(ReactorError) {
        let start = Start(name: name) { [self] in
            self.current.store(UInt(pthread_self()), ordering: .relaxed)
            body()
            self.current.store(0, ordering: .relaxed)
        }
        var thread = pthread_t()
        let code = self.state.withLock { state -> Int32 in
            guard case .idle = state else { return EBUSY }
            // The thread takes the reference over, unless there is no thread.
            let opaque = unsafe Unmanaged.passRetained(start).toOpaque()
            let code = unsafe pthread_create(&thread, nil, ReactorThread.main, opaque)
            if code == 0 {
                state = .running(thread)
            } else {
                unsafe Unmanaged<Start>.fromOpaque(opaque).release()
            }
            return code
        }
        guard code == 0 else { throw ReactorError("cannot start a thread", code: code) }
    }

    /// Waits for the thread's end, unless it is the caller's own.
    func join() {
        let thread = self.state.withLock { state -> pthread_t? in
            guard case .running(let thread) = state, pthread_equal(thread, pthread_self()) == 0 else { return nil }
            state = .joined
            return thread
        }
        guard let thread else { return }
        pthread_join(thread, nil)
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { opaque in
        guard let opaque = unsafe opaque else { return nil }
        // The reference that `start` gave to this thread.
        let start = unsafe Unmanaged<Start>.fromOpaque(opaque).takeRetainedValue()
        unsafe martlet_thread_name(pthread_self(), start.name)
        start.body()
        return nil
    }
}
