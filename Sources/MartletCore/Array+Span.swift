// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// The bytes of a span, kept beyond its scope.
    package init(copying span: Span<UInt8>) {
        self.init()
        self.append(copying: span)
    }

    package mutating func append(copying span: Span<UInt8>) {
        self.reserveCapacity(self.count + span.count)
        for index in span.indices { self.append(span[index]) }
    }
}
