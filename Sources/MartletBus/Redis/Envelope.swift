// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// A publication as nodes send it to each other through Redis.
///
///     0x00 · version · flags · time (8 bytes, IEEE 754, big-endian) · [length of info (4 bytes) · info] · payload
///
/// The first byte sets it apart from what other services publish, which is text. The payload was validated by the node
/// where it entered.
package enum Envelope {
    package enum DecodingError: Error, Hashable, Sendable {
        case malformed
        /// From a later version of Martlet.
        case unknownVersion
    }

    private static let mark: UInt8 = 0x00
    private static let version: UInt8 = 1
    private static let hasInfo: UInt8 = 0x01
    private static let headCount = 11

    /// Whether bytes claim to be an envelope.
    package static func isEnvelope(_ bytes: [UInt8]) -> Bool { bytes.first == Self.mark }

    package static func encode(_ publication: Publication) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headCount + 4 + (publication.info?.count ?? 0) + publication.data.count)
        bytes.append(Self.mark)
        bytes.append(Self.version)
        bytes.append(publication.info == nil ? 0 : Self.hasInfo)
        Self.append(publication.time.bitPattern, to: &bytes)
        if let info = publication.info {
            Self.append(UInt32(truncatingIfNeeded: info.count), to: &bytes)
            bytes.append(contentsOf: info)
        }
        bytes.append(contentsOf: publication.data)
        return bytes
    }

    package static func decode(_ bytes: [UInt8], channel: String) throws(DecodingError) -> Publication {
        guard bytes.count >= 2, bytes[0] == Self.mark else { throw .malformed }
        guard bytes[1] == Self.version else { throw .unknownVersion }
        guard bytes.count > Self.headCount else { throw .malformed }
        let flags = bytes[2]
        guard flags & ~Self.hasInfo == 0 else { throw .unknownVersion }
        let time = Double(bitPattern: Self.integer(bytes[3..<Self.headCount]))
        guard time.isFinite, time >= 0 else { throw .malformed }
        var start = Self.headCount
        var info: [UInt8]?
        if flags & Self.hasInfo != 0 {
            guard bytes.count >= start + 4 else { throw .malformed }
            let count = Int(Self.integer(bytes[start..<start + 4]))
            start += 4
            guard count <= bytes.count - start else { throw .malformed }
            info = Array(bytes[start..<start + count])
            start += count
        }
        guard start < bytes.count else { throw .malformed }
        return Publication(channel: channel, data: Array(bytes[start...]), info: info, time: time)
    }

    private static func append(_ integer: some FixedWidthInteger, to bytes: inout [UInt8]) {
        for shift in stride(from: integer.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
