// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// The whole answer to a request of the API.
struct APIReply: Sendable {
    /// JSON on one line.
    var body: [UInt8]
    /// What the answer says went wrong, for a status that says it too.
    var error: APIError?
}
