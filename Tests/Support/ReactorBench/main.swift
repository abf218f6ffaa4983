// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

// Measures what the reactor costs, and fails when a delivery, a read or an idle connection allocates.
//
//     reactor-bench [connections]
//
// The peers are a second process of this program, so that memory and CPU time here are the server's alone.

import Foundation
import MartletCore
import MartletReactor

let arguments = CommandLine.arguments
DescriptorLimit.raise()
if arguments.count == 4, arguments[1] == "peers", let port = UInt16(arguments[2]), let count = Int(arguments[3]) {
    try Peers(port: port, count: count).run()
} else {
    let count = min(arguments.count > 1 ? Int(arguments[1]) ?? 8_000 : 8_000, DescriptorLimit.current - 256)
    exit(try Bench(connections: max(2_000, count)).run() ? EXIT_SUCCESS : EXIT_FAILURE)
}
