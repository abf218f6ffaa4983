// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

// A Kafka-protocol broker for tests: librdkafka's mock cluster, listening on loopback for clients of other processes.
// The first line on stdout is `bootstrap.servers=…`; commands come in on stdin, one a line, and each is answered.

let options: BrokerOptions
do {
    options = try BrokerOptions(Array(CommandLine.arguments.dropFirst()))
} catch {
    FileHandle.standardError.write(Data("kafka-broker: \(error.text)\n\(BrokerOptions.usage)\n".utf8))
    exit(64)
}

guard let cluster = MockCluster(brokers: options.brokers) else {
    FileHandle.standardError.write(Data("kafka-broker: the cluster could not be made\n".utf8))
    exit(70)
}
for topic in options.topics {
    let answer = cluster.perform(.topic(topic.name, partitions: topic.partitions))
    guard answer == .done else {
        FileHandle.standardError.write(Data("kafka-broker: topic \(topic.name): \(answer.line)\n".utf8))
        exit(70)
    }
}

/// Unbuffered, as whoever waits for the answer reads from a pipe.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

say("bootstrap.servers=\(cluster.bootstrapServers)")
while let line = readLine() {
    let words = line.split(separator: " ").map(String.init)
    if words.isEmpty { continue }
    if words == ["quit"] {
        say(MockCluster.Answer.done.line)
        exit(0)
    }
    guard let command = BrokerCommand(words) else {
        say("error not a command: \(line)")
        continue
    }
    say(cluster.perform(command).line)
}
// The shell that started it may have given it no stdin; SIGTERM ends it.
while !options.exitsOnEOF { sleep(3600) }
