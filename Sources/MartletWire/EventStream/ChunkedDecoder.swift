// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Reads the chunked transfer coding (RFC 9112 section 7.1) as it comes, in place.
package struct ChunkedDecoder: Sendable {
    package enum Event: Hashable, Sendable {
        /// All bytes up to `consumed` are used; nothing more can be said.
        case needMore(consumed: Int)
        /// A part of the body, which need not be a whole chunk.
        case data(Range<Int>)
        /// The body ended; what follows `end` is no part of it.
        case finished(end: Int)
        case invalid
    }

    private enum State: Hashable {
        case size(digits: Int)
        case sizeExtension
        case sizeFeed
        case data
        case dataReturn
        case dataFeed
        case trailerStart
        case trailer
        case trailerFeed(isLast: Bool)
    }

    /// Bytes of chunk extensions, and of trailers, in one body: they are skipped, but not for ever.
    private static let skippedBytesMax = 8_192
    private static let sizeDigitsMax = 8

    private var state = State.size(digits: 0)
    private var left = 0
    private var skipped = 0

    package init() {}

    /// The next part of the body at or after `offset`. After `.data` go on at its end.
    package mutating func next(_ bytes: Span<UInt8>, from offset: Int) -> Event {
        var index = offset
        while index < bytes.count {
            if self.state == .data {
                let part = index..<min(bytes.count, index + self.left)
                self.left -= part.count
                if self.left == 0 { self.state = .dataReturn }
                return .data(part)
            }
            let byte = bytes[index]
            index += 1
            if self.state == .trailerFeed(isLast: true), byte == .lineFeed { return .finished(end: index) }
            guard let state = self.step(byte) else { return .invalid }
            self.state = state
        }
        return .needMore(consumed: index)
    }

    /// The state after one byte outside of the data, or nil where it may not stand there.
    private mutating func step(_ byte: UInt8) -> State? {
        switch self.state {
        case .size(let digits):
            if let value = byte.hexadecimalValue, digits < Self.sizeDigitsMax {
                self.left = self.left << 4 | Int(value)
                return .size(digits: digits + 1)
            }
            guard digits > 0 else { return nil }
            if byte == .carriageReturn { return .sizeFeed }
            return byte == .semicolon || byte.isBlank ? self.skip(to: .sizeExtension) : nil
        case .sizeExtension:
            if byte == .carriageReturn { return .sizeFeed }
            return byte.isFieldCharacter ? self.skip(to: .sizeExtension) : nil
        case .sizeFeed:
            guard byte == .lineFeed else { return nil }
            return self.left == 0 ? .trailerStart : .data
        case .data: return nil
        case .dataReturn: return byte == .carriageReturn ? .dataFeed : nil
        case .dataFeed: return byte == .lineFeed ? .size(digits: 0) : nil
        case .trailerStart, .trailer:
            if byte == .carriageReturn { return .trailerFeed(isLast: self.state == .trailerStart) }
            return byte.isFieldCharacter ? self.skip(to: .trailer) : nil
        case .trailerFeed(let isLast): return byte == .lineFeed && !isLast ? .trailerStart : nil
        }
    }

    private mutating func skip(to state: State) -> State? {
        self.skipped += 1
        return self.skipped <= Self.skippedBytesMax ? state : nil
    }
}
