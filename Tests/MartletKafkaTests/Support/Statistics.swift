// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Statistics as librdkafka writes them, with what is read of them and a little more.
enum Statistics {
    struct Broker {
        var id: Int32 = 1
        var state = "UP"
        var connects = 1
        var fetches: Int
    }

    struct Partition {
        var number: Int32
        var broker: Int32 = 1
        var high: Int64 = 0
        var state = "active"
        var isUnknown = false
    }

    static func json(_ brokers: [Broker], topics: KeyValuePairs<String, [Partition]> = [:]) -> String {
        let brokers = brokers.map {
            """
            "127.0.0.1:1/\($0.id)":{"name":"b","nodeid":\($0.id),"state":"\($0.state)","rxidle":5,\
            "connects":\($0.connects),"req":{"Fetch":\($0.fetches),"Metadata":3},"window":{"avg":1.5}}
            """
        }
        let topics = topics.map { name, partitions in
            let partitions = ([Partition(number: -1, broker: -1, high: -1001)] + partitions).map {
                """
                "\($0.number)":{"partition":\($0.number),"broker":\($0.broker),"leader":1,"desired":true,\
                "unknown":\($0.isUnknown),"fetch_state":"\($0.state)","hi_offset":\($0.high)}
                """
            }
            return "\"\(name)\":{\"topic\":\"\(name)\",\"partitions\":{\(partitions.joined(separator: ","))}}"
        }
        return "{\"name\":\"x\",\"brokers\":{\(brokers.joined(separator: ","))},"
            + "\"topics\":{\(topics.joined(separator: ","))}}"
    }
}
