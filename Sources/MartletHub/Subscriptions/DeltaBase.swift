// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// What a channel in one shard keeps for subscribers that take patches, as long as there are any.
final class DeltaBase {
    /// Those that take patches.
    var subscribers = 0
    /// Those of them that have not been given `latest`.
    var unbased = 0
    /// The publication that was handed out last.
    var latest: Publication?
}
