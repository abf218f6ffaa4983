// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Time of one thread: what it computed, and what passed meanwhile.
struct Stopwatch {
    private(set) var cpu = 0.0
    private(set) var wall = 0.0
    /// The longest single run.
    private(set) var worstCPU = 0.0
    private(set) var worstWall = 0.0

    mutating func time<Result>(_ body: () -> Result) -> Result {
        let (cpu, wall) = (Self.seconds(CLOCK_THREAD_CPUTIME_ID), Self.seconds(CLOCK_MONOTONIC))
        let result = body()
        let (cpuTaken, wallTaken) = (
            Self.seconds(CLOCK_THREAD_CPUTIME_ID) - cpu, Self.seconds(CLOCK_MONOTONIC) - wall
        )
        self.cpu += cpuTaken
        self.wall += wallTaken
        self.worstCPU = max(self.worstCPU, cpuTaken)
        self.worstWall = max(self.worstWall, wallTaken)
        return result
    }

    static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
