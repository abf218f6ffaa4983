// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// Measures the revocation table: memory, insertion, look-ups by one thread and by two, expiry, eviction, replay.
//
//     revocation-bench [entries] [table|replay|all]
//
// Names are 22 characters long. CPU time is the thread's own, so that other work on the machine does not count; the
// time on the clock is told beside it.

import Foundation

let arguments = CommandLine.arguments
let entries = max(100_000, arguments.count > 1 ? Int(arguments[1]) ?? 10_000_000 : 10_000_000)
let part = arguments.count > 2 ? arguments[2] : "all"
if part != "replay" { TableBench(entries: entries).run() }
if part != "table" { ReplayBench(records: entries).run() }
