// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// The bytes of a span, kept beyond its scope.
    package init(copying span: Span<UInt8>) {
        self.init(capacity: span.count) { output in
            for index in span.indices { output.append(span[index]) }
        }
    }

    /// Grows geometrically, so that many small pieces cost no more than their sum.
    package mutating func append(copying span: Span<UInt8>) {
        self.append(addingCapacity: span.count) { output in
            for index in span.indices { output.append(span[index]) }
        }
    }
}
