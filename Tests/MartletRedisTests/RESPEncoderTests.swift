// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletRedis
import NIOCore
import Testing

struct RESPEncoderTests {
    @Test func writesCommands() {
        var buffer = ByteBuffer()
        RESPEncoder.write(["PUBLISH", .text("a.é"), .bytes([0, 13, 10])], to: &buffer)
        #expect(buffer == ByteBuffer(string: "*3\r\n$7\r\nPUBLISH\r\n$4\r\na.é\r\n$3\r\n\u{0}\r\n\r\n"))
    }

    @Test func writesNames() {
        var buffer = ByteBuffer()
        RESPEncoder.write("SUBSCRIBE", ["a", "bc"], to: &buffer)
        #expect(buffer == ByteBuffer(string: "*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$2\r\nbc\r\n"))
    }
}
