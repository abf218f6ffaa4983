// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletHub
import MartletRedis

extension BusError {
    init(redis error: RedisError) {
        switch error {
        case .unavailable, .stopped: self = .unavailable
        case .overloaded: self = .overloaded
        case .timedOut, .connectionLost, .violation: self = .unconfirmed
        case .refused(let text): self = .refused(text)
        }
    }

    var redisFailure: RedisBusMetrics.PublishFailure {
        switch self {
        case .unavailable: .unavailable
        case .unconfirmed: .unconfirmed
        case .overloaded: .overloaded
        case .refused: .refused
        }
    }
}
