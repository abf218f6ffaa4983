// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the consumer tells, on the consumer's own thread, which waits meanwhile.
package protocol KafkaConsumerDelegate: AnyObject, Sendable {
    /// One record. A nil value is data: on a compacted topic it deletes the key. Nothing may be kept but copies.
    ///
    /// The same record may come twice after a truncation.
    func received(_ record: borrowing KafkaRecord, key: Span<UInt8>?, value: Span<UInt8>?)
    func occurred(_ event: KafkaConsumerEvent)
}
