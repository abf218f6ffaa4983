// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How many descriptors this process may have open.
package enum DescriptorLimit {
    /// What is left to everything but connections: listeners, Redis, Kafka, logs.
    package static let reserved = 256

    /// Connections that a process with so many descriptors can have.
    package static func connections(of descriptors: Int) -> Int { max(1, descriptors - Self.reserved) }

    package static var current: Int { Int(clamping: Self.read().rlim_cur) }

    /// Raises the soft limit to the hard one and tells what it is now.
    @discardableResult
    package static func raise() -> Int {
        var limit = Self.read()
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Self.current
    }

    private static func read() -> rlimit {
        var limit = rlimit()
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return limit
    }
}
