// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletInstruments

/// Counts and logs what a producing client tells beside its reports.
final class ProducerSink: ClientSink {
    private let errors: [KafkaError.Code: Counter]
    private let logger: Logger
    private var limiter = ErrorLimiter()

    init(errors: [KafkaError.Code: Counter], logger: Logger) {
        self.errors = errors
        self.logger = logger
    }

    func clientFailed(_ error: KafkaError) {
        self.errors[error.code]?.add()
        guard self.limiter.admits(error, topic: nil, now: Clock.monotonic) else { return }
        self.logger.warning("Kafka error", metadata: ["error": "\(error)"])
    }

    func statisticsReceived(_ json: [UInt8]) {}
}
