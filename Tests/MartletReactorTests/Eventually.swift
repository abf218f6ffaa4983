// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Whether a condition comes to hold within `seconds`.
func eventually(within seconds: Double = 30, _ condition: () -> Bool) -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while !condition() {
        if ContinuousClock.now > end { return false }
        usleep(2_000)
    }
    return true
}
