// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The methods that the edge tells apart.
package enum HTTPMethod: Sendable {
    case get, head, post, options, other
}
