// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

/// What is tested over loopback, one test after the other: their clients block, and some look at the clock.
@Suite("The edge over loopback", .serialized) struct LoopbackTests {}
