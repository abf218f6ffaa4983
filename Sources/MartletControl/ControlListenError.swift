// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore

/// Why the internal listener could not be opened, for people.
struct ControlListenError: Error, CustomStringConvertible {
    let host: String
    let port: Int
    let cause: IOError

    var description: String {
        let address = self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
        let reason =
            switch self.cause.errnoCode {
            case EADDRINUSE: "another process listens there"
            case EADDRNOTAVAIL: "this machine has no such address"
            case EACCES: "ports below 1024 are for root"
            default: "\(self.cause)"
            }
        return "cannot listen on \(address) for the API and metrics (listen.internal): \(reason)"
    }
}
