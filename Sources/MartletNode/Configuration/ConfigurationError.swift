// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A configuration that cannot be used, with everything that is wrong with it.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    package var problems: [ConfigurationProblem]

    package init(_ problems: [ConfigurationProblem]) { self.problems = problems }

    package var description: String { self.problems.map(\.description).joined(separator: "\n") }
}
