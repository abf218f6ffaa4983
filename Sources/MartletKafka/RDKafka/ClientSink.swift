// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What any client instance tells while it is polled.
protocol ClientSink: AnyObject {
    /// Something failed that concerns no single partition. The client goes on trying.
    func clientFailed(_ error: KafkaError)
    func statisticsReceived(_ json: [UInt8])
}
