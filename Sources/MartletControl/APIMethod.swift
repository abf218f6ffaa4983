// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The methods of the server API, by the last part of their path.
enum APIMethod: String {
    case publish, broadcast, disconnect, revoke, info
}
