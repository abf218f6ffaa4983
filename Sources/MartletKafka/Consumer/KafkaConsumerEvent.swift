// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What happens to a consumer beside records.
package enum KafkaConsumerEvent: Sendable, Hashable {
    /// Every partition of every topic was read to where it ended when the reading began. Told once.
    case caughtUp
    case healthChanged(KafkaHealth)
    /// Records were dropped by the brokers before they could be read here.
    case truncated(KafkaTruncation)
    /// Something failed and is being tried again. Told at a limited rate.
    case failed(KafkaError)
}
