// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A header of a record that is produced.
package struct KafkaHeader: Sendable, Hashable {
    package var name: String
    package var value: [UInt8]

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = Array(value.utf8)
    }
}
