// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix

extension RedisError {
    /// What a channel says of its end, short enough for a line of health.
    init(channelError error: any Error) {
        self = .connectionLost(Self.text(of: error))
    }

    private static func text(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { Self.text(of: $0.error) } ?? "cannot resolve the host"
        case let error as IOError where error.errnoCode == ECONNREFUSED: "connection refused"
        case let error as IOError where error.errnoCode == ECONNRESET: "connection reset"
        case ChannelError.connectTimeout: "timed out"
        default: "\(error)"
        }
    }
}
