// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The limits of a shard's streams, which there are many of: each refers to them, and none holds its own.
final class SharedStreamLimits {
    let value: StreamLimits

    init(_ value: StreamLimits) { self.value = value }
}
