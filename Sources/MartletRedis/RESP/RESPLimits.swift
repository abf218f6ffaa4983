// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What one reply may take before it counts as a violation.
package struct RESPLimits: Hashable, Sendable {
    package var bytesMax = 67_108_864
    package var elementsMax = 1_048_576

    package init() {}
}
