// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

internal import CRdKafka

/// librdkafka's mock cluster, which lives as long as the process.
// @safe: both pointers stay valid until the process ends.
@safe final class MockCluster {
    enum Answer: Equatable {
        case done
        case failed(String)

        var line: String {
            switch self {
            case .done: "ok"
            case .failed(let reason): "error \(reason)"
            }
        }
    }

    private let client: OpaquePointer
    private let cluster: OpaquePointer
    private let brokers: Int32

    init?(brokers: Int32) {
        var text = [CChar](repeating: 0, count: 512)
        let conf = unsafe rd_kafka_conf_new()
        // unsafe: strings and buffer live for the calls. The mock needs an instance for its threads and its log, which
        // would begin by warning that the instance has no brokers.
        unsafe rd_kafka_conf_set(conf, "log_level", "3", &text, text.count)
        guard let client = unsafe rd_kafka_new(RD_KAFKA_PRODUCER, conf, &text, text.count),
            let cluster = unsafe rd_kafka_mock_cluster_new(client, brokers)
        else { return nil }
        // Metadata (API 3) in version 4 carries whether a client wants unknown topics made; by default the mock offers
        // only version 2, in which it makes them for everyone who asks.
        unsafe rd_kafka_mock_set_apiversion(cluster, 3, 0, 4)
        unsafe self.client = client
        unsafe self.cluster = cluster
        self.brokers = brokers
    }

    var bootstrapServers: String { unsafe String(cString: rd_kafka_mock_cluster_bootstraps(self.cluster)) }

    func perform(_ command: BrokerCommand) -> Answer {
        // unsafe, all of them: the cluster is valid, strings live for the calls, and the mock checks the rest.
        switch command {
        case .topic(let name, let partitions):
            // Every broker holds every partition, so that any of them can be made the leader.
            Self.answer(unsafe rd_kafka_mock_topic_create(self.cluster, name, partitions, self.brokers))
        case .down(let broker): Self.answer(unsafe rd_kafka_mock_broker_set_down(self.cluster, broker))
        case .up(let broker): Self.answer(unsafe rd_kafka_mock_broker_set_up(self.cluster, broker))
        case .errors(let apiKey, let code, let count): self.pushErrors(apiKey, rd_kafka_resp_err_t(code), count)
        case .roundTripTime(let broker, let milliseconds):
            Self.answer(unsafe rd_kafka_mock_broker_set_rtt(self.cluster, broker, milliseconds))
        case .leader(let topic, let partition, let broker):
            Self.answer(unsafe rd_kafka_mock_partition_set_leader(self.cluster, topic, partition, broker))
        }
    }

    /// A count of nothing takes back what was pushed.
    private func pushErrors(_ apiKey: Int16, _ code: rd_kafka_resp_err_t, _ count: Int) -> Answer {
        if count == 0 {
            unsafe rd_kafka_mock_clear_request_errors(self.cluster, apiKey)
        } else {
            let errors = [rd_kafka_resp_err_t](repeating: code, count: count)
            unsafe rd_kafka_mock_push_request_errors_array(self.cluster, apiKey, count, errors)
        }
        return .done
    }

    private static func answer(_ error: rd_kafka_resp_err_t) -> Answer {
        guard error != RD_KAFKA_RESP_ERR_NO_ERROR else { return .done }
        return .failed(unsafe rd_kafka_err2str(error).map { unsafe String(cString: $0) } ?? "\(error.rawValue)")
    }
}
