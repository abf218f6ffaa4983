// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why a run cannot begin or go on.
struct LoadError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
