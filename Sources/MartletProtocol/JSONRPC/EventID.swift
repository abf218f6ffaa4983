// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// The `id:` of an event on `/events`: where each channel of the request stands once the event has been read.
///
/// A browser gives it back as `Last-Event-ID`, so one id resumes all channels of a stream. It grants nothing: the
/// request's URL and token say what may be read. Its bytes, in base64url: a version, a checksum of the channels' names
/// in the order of the request, and for each channel that has a stream its index there, the offset as a varint, and
/// the epoch behind its length.
package enum EventID {
    /// More channels have no id together.
    package static let channelsMax = 32
    /// A position in a longer epoch is left out, and so read as a gap.
    static let epochBytesMax = 32
    /// Of the text: 32 positions with the longest epochs stay below it.
    package static let bytesMax = 2_048

    private static let version: UInt8 = 1
    private static let headBytes = 5

    /// - Parameter positions: Of each of the channels, nil where it has no stream.
    package static func encode(_ positions: [StreamPosition?], of channels: [String]) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headBytes + 24 * channels.count)
        bytes.append(Self.version)
        Self.appendChecksum(of: channels, to: &bytes)
        for (index, position) in positions.prefix(Self.channelsMax).enumerated() {
            guard let position, position.epoch.utf8.count <= Self.epochBytesMax else { continue }
            bytes.append(UInt8(truncatingIfNeeded: index))
            Self.appendVarint(position.offset, to: &bytes)
            bytes.append(UInt8(truncatingIfNeeded: position.epoch.utf8.count))
            bytes.append(contentsOf: position.epoch.utf8)
        }
        return Base64URL.encode(bytes)
    }

    /// The positions of the channels, nil for those it does not name; or nil where it is not an id of these channels.
    package static func decode(_ text: String, of channels: [String]) -> [StreamPosition?]? {
        guard text.utf8.count <= Self.bytesMax, channels.count <= Self.channelsMax,
            let bytes = Base64URL.decode(Array(text.utf8)[...]), bytes.count >= Self.headBytes
        else { return nil }
        var head = [Self.version]
        Self.appendChecksum(of: channels, to: &head)
        guard bytes.starts(with: head) else { return nil }
        var positions: [StreamPosition?] = Array(repeating: nil, count: channels.count)
        var rest = bytes.dropFirst(Self.headBytes)
        var indexMin = 0
        while let first = rest.popFirst() {
            let index = Int(first)
            guard index >= indexMin, index < positions.count, let offset = Self.takeVarint(from: &rest),
                let length = rest.popFirst(), length <= Self.epochBytesMax, rest.count >= Int(length),
                let epoch = String(validating: rest.prefix(Int(length)), as: UTF8.self)
            else { return nil }
            rest = rest.dropFirst(Int(length))
            positions[index] = StreamPosition(offset: offset, epoch: epoch)
            indexMin = index + 1
        }
        return positions
    }

    /// FNV-1a over each name and a byte that no name has: it tells requests apart, and protects nothing.
    private static func appendChecksum(of channels: [String], to bytes: inout [UInt8]) {
        var hash: UInt32 = 0x811C_9DC5
        for channel in channels {
            for byte in channel.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
            hash = (hash ^ 0xFF) &* 0x0100_0193
        }
        bytes.append(UInt8(truncatingIfNeeded: hash >> 24))
        bytes.append(UInt8(truncatingIfNeeded: hash >> 16))
        bytes.append(UInt8(truncatingIfNeeded: hash >> 8))
        bytes.append(UInt8(truncatingIfNeeded: hash))
    }

    private static func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    private static func takeVarint(from bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            // Of the tenth byte only one bit is left to say.
            guard shift < 63 || byte <= 1 else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
