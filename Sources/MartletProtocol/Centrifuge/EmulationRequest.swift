// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Commands of a client that reads its replies from a response of HTTP, on which it cannot write.
package struct EmulationRequest: Equatable, Sendable {
    /// The node that holds the connection.
    package var node = ""
    /// The secret that names the connection.
    package var session = ""
    /// A frame of commands, in the encoding of the request.
    package var data: [UInt8] = []

    package init() {}
}
