// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// What is published, `{"n":1,"c":0,"t":1767225600000000000,"p":"aaa…"}`: the message's number in its channel, the
/// channel's number, when it was sent (wall clock, nanoseconds), and padding.
struct LoadMessage: Equatable, Sendable {
    /// Zero where the message says none, as those of a bare broadcaster.
    var number: UInt32 = 0
    var channel = 0
    var sentAt: Int64 = 0

    static func encode(number: UInt32, channel: Int, sentAt: Int64, bytes: Int) -> [UInt8] {
        var text = Array("{\"n\":\(number),\"c\":\(channel),\"t\":\(sentAt),\"p\":\"".utf8)
        text.append(contentsOf: repeatElement(UInt8(ascii: "a"), count: max(0, bytes - text.count - 2)))
        text.append(contentsOf: "\"}".utf8)
        return text
    }

    /// Finds the message inside a frame or an event, which hold it as it was published.
    ///
    /// - Parameter hint: Where in `range` the last one was found: with one protocol they all begin at the same place.
    static func find(in bytes: Span<UInt8>, _ range: Range<Int>, hint: inout Int) -> LoadMessage? {
        if let message = self.read(bytes, at: range.lowerBound + hint, end: range.upperBound) { return message }
        for start in range where bytes[start] == UInt8(ascii: "{") {
            guard let message = self.read(bytes, at: start, end: range.upperBound) else { continue }
            hint = start - range.lowerBound
            return message
        }
        return nil
    }

    private static func read(_ bytes: Span<UInt8>, at start: Int, end: Int) -> LoadMessage? {
        var message = LoadMessage()
        var position = start + 1
        guard start + 6 < end, bytes[start] == UInt8(ascii: "{") else { return nil }
        while true {
            // Each member is a letter in quotes, a colon and a number.
            guard position + 4 < end, bytes[position] == UInt8(ascii: "\""),
                bytes[position + 2] == UInt8(ascii: "\""), bytes[position + 3] == UInt8(ascii: ":")
            else { return nil }
            let name = bytes[position + 1]
            if name == UInt8(ascii: "p") { return message.sentAt > 0 ? message : nil }
            position += 4
            var value: UInt64 = 0
            while position < end, bytes[position] >= 0x30, bytes[position] <= 0x39 {
                value = value &* 10 &+ UInt64(bytes[position] & 0x0F)
                position += 1
            }
            switch name {
            case UInt8(ascii: "n"): message.number = UInt32(truncatingIfNeeded: value)
            case UInt8(ascii: "c"): message.channel = Int(truncatingIfNeeded: value)
            case UInt8(ascii: "t"): message.sentAt = Int64(truncatingIfNeeded: value)
            default: return nil
            }
            guard position < end, bytes[position] == UInt8(ascii: ",") else { return nil }
            position += 1
        }
    }
}
