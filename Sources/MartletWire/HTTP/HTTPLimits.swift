// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of a request head.
package struct HTTPLimits: Sendable {
    /// Bytes of the head with its blank line.
    package var headBytesMax: Int
    /// Bytes of the request target.
    package var targetBytesMax: Int
    /// Header lines.
    package var fieldsMax: Int

    package init(headBytesMax: Int = 16_384, targetBytesMax: Int = 8_192, fieldsMax: Int = 100) {
        self.headBytesMax = headBytesMax
        self.targetBytesMax = targetBytesMax
        self.fieldsMax = fieldsMax
    }
}
