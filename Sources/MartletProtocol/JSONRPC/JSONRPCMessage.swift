// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a frame of a JSON-RPC client holds.
package enum JSONRPCMessage: Equatable, Sendable {
    case single(JSONRPCRequest)
    /// At least one; the answers to those that have an id go back together, in one array.
    case batch([JSONRPCRequest])
    /// Not JSON-RPC as a whole: answered once, with id null.
    case invalid(JSONRPCError)
}
