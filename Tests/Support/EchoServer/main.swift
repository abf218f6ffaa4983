// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

// Serves until its standard input ends; says its port first.
let server = try EchoServer(messageBytesMax: 20_000_000)
try server.start()
print(server.port)
fflush(nil)
while readLine() != nil {}
