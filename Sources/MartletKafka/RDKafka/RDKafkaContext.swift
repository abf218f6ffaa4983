// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

internal import CRdKafka
import Logging
import Synchronization

/// What librdkafka's callbacks reach through the opaque pointer of their instance.
// @unchecked Sendable: the logger is called from librdkafka's threads and is itself Sendable; `sink` is set and used
// only by the thread that polls, for as long as it polls.
final class RDKafkaContext: @unchecked Sendable {
    let logger: Logger
    var sink: (any ClientSink)?
    /// An idempotent producer that met a fatal error cannot go on.
    let isFatal = Atomic<Bool>(false)

    init(logger: Logger) { self.logger = logger }

    func install(in conf: OpaquePointer, kind: rd_kafka_type_t) {
        unsafe rd_kafka_conf_set_log_cb(conf) { client, level, facility, text in
            // unsafe: librdkafka passes valid C strings, and an instance whose opaque is set for its whole life.
            guard let client = unsafe client, let text = unsafe text,
                let context = unsafe RDKafkaContext.from(rd_kafka_opaque(client))
            else { return }
            let facility = unsafe facility.map { unsafe String(cString: $0) } ?? ""
            unsafe context.log(level, facility, String(cString: text))
        }
        unsafe rd_kafka_conf_set_error_cb(conf) { client, code, reason, opaque in
            guard let context = unsafe RDKafkaContext.from(opaque) else { return }
            let reason = unsafe reason.map { unsafe String(cString: $0) } ?? ""
            context.failed(rd_kafka_resp_err_t(rawValue: code), reason)
        }
        if kind == RD_KAFKA_CONSUMER {
            unsafe rd_kafka_conf_set_stats_cb(conf) { _, json, count, opaque in
                guard let context = unsafe RDKafkaContext.from(opaque), let json = unsafe json else { return 0 }
                // unsafe: the text is valid for the call, and copied.
                unsafe context.sink?.statisticsReceived([UInt8](UnsafeRawBufferPointer(start: json, count: count)))
                return 0
            }
        } else {
            unsafe rd_kafka_conf_set_dr_msg_cb(conf) { _, message, _ in
                guard let message = unsafe message else { return }
                unsafe KafkaDelivery.settle(message)
            }
        }
    }

    @unsafe static func from(_ opaque: UnsafeMutableRawPointer?) -> RDKafkaContext? {
        // unsafe: every opaque of this target's instances is a context that is retained until after the last callback.
        guard let opaque = unsafe opaque else { return nil }
        return unsafe Unmanaged<RDKafkaContext>.fromOpaque(opaque).takeUnretainedValue()
    }

    private func log(_ level: Int32, _ facility: String, _ text: String) {
        // Levels as in syslog: 4 is a warning, 7 is debug.
        let level: Logger.Level = level <= 4 ? .warning : .debug
        self.logger.log(level: level, "librdkafka", metadata: ["facility": "\(facility)", "text": "\(text)"])
    }

    private func failed(_ code: rd_kafka_resp_err_t, _ reason: String) {
        if code == RD_KAFKA_RESP_ERR__FATAL { self.isFatal.store(true, ordering: .relaxed) }
        let error = KafkaError(code, reason)
        if let sink = self.sink {
            sink.clientFailed(error)
        } else {
            self.logger.warning("Kafka client error", metadata: ["error": "\(error)"])
        }
    }
}
