// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a back-end may decide in the node's name.
package enum ProxyMethod: String, CaseIterable, Sendable {
    case connect, refresh, subscribe, publish, rpc
    case subRefresh = "sub_refresh"
}
