// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One thing that is wrong with a configuration, and what to do about it.
package struct ConfigurationProblem: Sendable, Equatable, CustomStringConvertible {
    package var origin: ConfigurationOrigin?
    /// The dotted name it is about, where it is about one.
    package var key: String?
    package var message: String

    package init(_ message: String, key: String? = nil, at origin: ConfigurationOrigin? = nil) {
        self.message = message
        self.key = key
        self.origin = origin
    }

    package var description: String { self.origin.map { "\($0): \(self.message)" } ?? self.message }
}
