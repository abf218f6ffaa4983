// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Writes commands as Redis reads them: an array of bulk strings.
package enum RESPEncoder {
    package static func write(_ arguments: [RESPArgument], to buffer: inout ByteBuffer) {
        Self.write(head: UInt8(ascii: "*"), arguments.count, to: &buffer)
        for argument in arguments {
            switch argument {
            case .text(let text):
                Self.write(head: UInt8(ascii: "$"), text.utf8.count, to: &buffer)
                buffer.writeString(text)
            case .bytes(let bytes):
                Self.write(head: UInt8(ascii: "$"), bytes.count, to: &buffer)
                buffer.writeBytes(bytes)
            }
            Self.writeEnd(to: &buffer)
        }
    }

    /// A command and names, as SUBSCRIBE takes them.
    package static func write(_ command: String, _ names: [String], to buffer: inout ByteBuffer) {
        Self.write(head: UInt8(ascii: "*"), names.count + 1, to: &buffer)
        Self.write(bulk: command, to: &buffer)
        for name in names { Self.write(bulk: name, to: &buffer) }
    }

    private static func write(bulk text: String, to buffer: inout ByteBuffer) {
        Self.write(head: UInt8(ascii: "$"), text.utf8.count, to: &buffer)
        buffer.writeString(text)
        Self.writeEnd(to: &buffer)
    }

    private static func write(head: UInt8, _ count: Int, to buffer: inout ByteBuffer) {
        buffer.writeInteger(head)
        buffer.writeString(String(count))
        Self.writeEnd(to: &buffer)
    }

    private static func writeEnd(to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt16(0x0D0A))
    }
}
