// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Where a value was written.
package enum ConfigurationOrigin: Sendable, Equatable, CustomStringConvertible {
    /// Line and column count from one.
    case file(path: String, line: Int, column: Int)
    case environment(String)
    case flag(String)

    package var description: String {
        switch self {
        case .file(let path, let line, let column): "\(path):\(line):\(column)"
        case .environment(let name): name
        case .flag(let name): name
        }
    }
}
