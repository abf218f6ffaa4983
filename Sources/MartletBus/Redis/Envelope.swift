// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// A publication as nodes send it to each other through Redis.
///
///     0x00 · 0x01 · flags · time (8 bytes, IEEE 754, big-endian) · [length of info (4 bytes) · info]
///          · [length of tags (4 bytes) · tags] · payload
///
/// One that has a position in a stream stands behind it, where Redis puts it:
///
///     0x00 · 0x02 · offset (8 bytes, big-endian) · length of epoch (1 byte) · epoch · envelope without position
///
/// The first byte sets it apart from what other services publish, which is text, or bytes that begin with another. The
/// payload was validated by the node where it entered.
package enum Envelope {
    package enum DecodingError: Error, Hashable, Sendable {
        case malformed
        /// From a later version of Martlet.
        case unknownVersion
    }

    private static let mark: UInt8 = 0x00
    private static let version: UInt8 = 1
    private static let positionedVersion: UInt8 = 2
    private static let hasInfo: UInt8 = 0x01
    private static let hasTags: UInt8 = 0x02
    private static let isJoin: UInt8 = 0x04
    private static let isLeave: UInt8 = 0x08
    private static let isBinary: UInt8 = 0x10
    private static let headCount = 11

    /// Whether bytes claim to be an envelope.
    package static func isEnvelope(_ bytes: [UInt8]) -> Bool { bytes.first == Self.mark }

    /// The envelope without a position.
    package static func encode(_ publication: Publication) -> [UInt8] {
        let (info, tags) = (publication.info, publication.tags)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headCount + 8 + (info?.count ?? 0) + (tags?.count ?? 0) + publication.data.count)
        bytes.append(Self.mark)
        bytes.append(Self.version)
        bytes.append(
            (info == nil ? 0 : Self.hasInfo) | (tags == nil ? 0 : Self.hasTags) | Self.flag(of: publication.kind)
                | (publication.isBinary ? Self.isBinary : 0))
        Self.append(publication.time.bitPattern, to: &bytes)
        for part in [info, tags] {
            guard let part else { continue }
            Self.append(UInt32(truncatingIfNeeded: part.count), to: &bytes)
            bytes.append(contentsOf: part)
        }
        bytes.append(contentsOf: publication.data)
        return bytes
    }

    /// An envelope with or without a position.
    package static func decode(_ bytes: [UInt8], channel: String) throws(DecodingError) -> Publication {
        guard bytes.count >= 2, bytes[0] == Self.mark else { throw .malformed }
        guard bytes[1] == Self.positionedVersion else { return try Self.decode(bytes[...], channel: channel) }
        guard bytes.count > Self.headCount else { throw .malformed }
        let end = Self.headCount + Int(bytes[10])
        guard end <= bytes.count, let epoch = String(validating: bytes[Self.headCount..<end], as: UTF8.self) else {
            throw .malformed
        }
        var publication = try Self.decode(bytes[end...], channel: channel)
        publication.offset = Self.integer(bytes[2..<10])
        publication.epoch = epoch
        return publication
    }

    private static func decode(_ bytes: ArraySlice<UInt8>, channel: String) throws(DecodingError) -> Publication {
        var rest = bytes
        guard rest.count >= 2, rest.popFirst() == Self.mark else { throw .malformed }
        guard rest.popFirst() == Self.version else { throw .unknownVersion }
        guard rest.count >= Self.headCount - 2, let flags = rest.popFirst() else { throw .malformed }
        let known = Self.hasInfo | Self.hasTags | Self.isJoin | Self.isLeave | Self.isBinary
        guard flags & ~known == 0 else { throw .unknownVersion }
        let time = Double(bitPattern: Self.integer(rest.prefix(8)))
        guard time.isFinite, time >= 0 else { throw .malformed }
        rest = rest.dropFirst(8)
        let info = flags & Self.hasInfo == 0 ? nil : try Self.part(&rest)
        let tags = flags & Self.hasTags == 0 ? nil : try Self.part(&rest)
        var publication = Publication(channel: channel, data: Array(rest), info: info, time: time)
        publication.tags = tags
        publication.isBinary = flags & Self.isBinary != 0
        if flags & Self.isJoin != 0 { publication.kind = .join }
        if flags & Self.isLeave != 0 { publication.kind = .leave }
        guard !rest.isEmpty || publication.kind != .message else { throw .malformed }
        return publication
    }

    private static func part(_ rest: inout ArraySlice<UInt8>) throws(DecodingError) -> [UInt8] {
        guard rest.count >= 4 else { throw .malformed }
        let count = Int(Self.integer(rest.prefix(4)))
        rest = rest.dropFirst(4)
        guard count <= rest.count else { throw .malformed }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    private static func flag(of kind: Publication.Kind) -> UInt8 {
        switch kind {
        case .message: 0
        case .join: Self.isJoin
        case .leave: Self.isLeave
        }
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
