// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletWire

/// One client's event stream: takes the chunked coding off and finds the lines. Only a line that was cut is kept.
struct EventReader: Sendable {
    enum Outcome: Equatable, Sendable {
        case more
        case ended
        case invalid
    }

    private var decoder: ChunkedDecoder?
    private var rest: [UInt8] = []
    private static let lineBytesMax = 1_048_576

    init(isChunked: Bool) { self.decoder = isChunked ? ChunkedDecoder() : nil }

    /// Takes all bytes from `start` on and gives the lines they complete, but for blank ones.
    mutating func feed(
        _ bytes: Span<UInt8>, from start: Int, _ line: (Span<UInt8>, Range<Int>) -> Void
    ) -> Outcome {
        guard self.decoder != nil else { return self.take(bytes, start..<bytes.count, line) }
        var position = start
        while true {
            switch self.decoder?.next(bytes, from: position) {
            case .data(let part):
                position = part.upperBound
                guard self.take(bytes, part, line) == .more else { return .invalid }
            case .finished: return .ended
            case .needMore: return .more
            case .invalid, nil: return .invalid
            }
        }
    }

    private mutating func take(
        _ bytes: Span<UInt8>, _ part: Range<Int>, _ line: (Span<UInt8>, Range<Int>) -> Void
    ) -> Outcome {
        guard self.rest.isEmpty else {
            self.rest.append(copying: bytes.extracting(part))
            guard self.rest.count <= Self.lineBytesMax else { return .invalid }
            let whole = self.rest
            let end = Self.lines(whole.span, 0..<whole.count, line)
            self.rest = end < whole.count ? Array(whole[end...]) : []
            return .more
        }
        let end = Self.lines(bytes, part, line)
        if end < part.upperBound { self.rest = [UInt8](copying: bytes.extracting(end..<part.upperBound)) }
        return .more
    }

    /// Where the incomplete line begins.
    private static func lines(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ line: (Span<UInt8>, Range<Int>) -> Void
    ) -> Int {
        var start = range.lowerBound
        for index in range where bytes[index] == 0x0A {
            if index > start { line(bytes, start..<index) }
            start = index + 1
        }
        return start
    }
}
