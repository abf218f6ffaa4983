// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What this is a build of.
package enum Version {
    package static let current = "0.1.0"
}
