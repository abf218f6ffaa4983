// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

internal import CRdKafka

extension KafkaError {
    /// An error of librdkafka's in our own terms.
    init(_ error: rd_kafka_resp_err_t, _ text: String) {
        // unsafe: the name is a static string, or nil-free fallback text, of librdkafka's.
        let name = unsafe rd_kafka_err2name(error).map { unsafe String(cString: $0) } ?? "\(error.rawValue)"
        self.init(Self.code(error), name: name, text)
    }

    /// The error that this thread's last call of a function without a result left behind.
    static func last(_ text: String) -> KafkaError { KafkaError(rd_kafka_last_error(), text) }

    private static func code(_ error: rd_kafka_resp_err_t) -> Code {
        switch error {
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
            .unknownTopic
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
            .unavailable
        case RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
            .timedOut
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
            .unauthorized
        case RD_KAFKA_RESP_ERR__QUEUE_FULL: .full
        case RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, RD_KAFKA_RESP_ERR__DESTROY: .stopped
        case RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__FENCED: .fatal
        case RD_KAFKA_RESP_ERR__INVALID_ARG: .configuration
        default: .refused
        }
    }
}
