// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Reads HTTP/1.0 and 1.1 request heads (RFC 9110, RFC 9112) in place.
///
/// It is strict where leniency lets two parsers of one chain see two different requests: bare line feeds, folded lines,
/// blanks before a colon, and doubtful framing are refused. What cannot become a head is refused when it is seen, not
/// when the limit is reached, so that a TLS client or a port scanner does not hold a connection until its deadline.
package enum HTTPRequestParser {
    /// Blank lines tolerated before a request (RFC 9112 section 2.2), in bytes.
    private static let leadingBytesMax = 8
    static let methodBytesMax = 32
    /// What a request line has beside its method and its target, at most.
    private static let restOfLineBytes = 16

    /// - Parameter scanned: How many of the bytes an earlier call has seen that ended in `.needMore`: they are not
    ///   looked at again before the head is complete, so that a head that drips in costs no more than its length.
    package static func parse(_ bytes: Span<UInt8>, limits: HTTPLimits, scanned: Int = 0) -> HTTPParseOutcome {
        do throws(HTTPRefusal) {
            let start = try Self.skipBlankLines(bytes)
            let seen = max(start, min(scanned, bytes.count))
            guard let end = Self.headEnd(in: bytes, from: max(start, seen - 3)) else {
                try Self.checkBeginning(bytes, from: start, seen: seen, limits: limits)
                return .needMore
            }
            guard end <= limits.headBytesMax else { throw Self.headTooLarge }
            return .head(try HTTPHeadReader.read(bytes, start..<end, limits: limits))
        } catch {
            return .refused(error)
        }
    }

    /// The index after the first CR LF CR LF that begins at or after `start`, or nil.
    package static func headEnd(in bytes: Span<UInt8>, from start: Int) -> Int? {
        var index = max(0, start) + 3
        while index < bytes.count {
            // Every fourth byte decides how far the pattern's end may be.
            switch bytes[index] {
            case .lineFeed:
                if bytes[index - 1] == .carriageReturn, bytes[index - 2] == .lineFeed,
                    bytes[index - 3] == .carriageReturn
                {
                    return index + 1
                }
                index += 2
            case .carriageReturn: index += 1
            default: index += 4
            }
        }
        return nil
    }

    static let headTooLarge = HTTPRefusal(.headTooLarge, "The request head is too large.")
    static let methodTooLong = HTTPRefusal(.notImplemented, "The method is unknown.")
    static let targetTooLong = HTTPRefusal(.targetTooLong, "The request target is too long.")

    private static func skipBlankLines(_ bytes: Span<UInt8>) throws(HTTPRefusal) -> Int {
        var start = 0
        while start < bytes.count, bytes[start] == .carriageReturn || bytes[start] == .lineFeed {
            guard start < Self.leadingBytesMax, (bytes[start] == .lineFeed) == (start % 2 == 1) else {
                throw HTTPRefusal(.badRequest, "A request line was expected.")
            }
            start += 1
        }
        // After a CR nothing but its LF may come.
        guard start % 2 == 0 || start == bytes.count else {
            throw HTTPRefusal(.badRequest, "A request line was expected.")
        }
        return start
    }

    /// Refuses what no further bytes can make a head. The first bytes are looked at each time, the others once.
    private static func checkBeginning(
        _ bytes: Span<UInt8>, from start: Int, seen: Int, limits: HTTPLimits
    ) throws(HTTPRefusal) {
        guard bytes.count < limits.headBytesMax else { throw Self.headTooLarge }
        var index = start
        while index < bytes.count, bytes[index].isTokenCharacter {
            index += 1
            guard index - start <= Self.methodBytesMax else { throw Self.methodTooLong }
        }
        if index < bytes.count, index == start || bytes[index] != .space {
            throw HTTPRefusal(.badRequest, "A request line was expected.")
        }
        // A line longer than this holds too long a target; whether it is, is asked when the bytes first reach so far.
        let lineMax = start + Self.methodBytesMax + limits.targetBytesMax + Self.restOfLineBytes
        if bytes.count > lineMax, seen <= lineMax, bytes.first(.lineFeed, in: start..<lineMax) == nil {
            throw Self.targetTooLong
        }
        for index in seen..<bytes.count {
            let (byte, previous) = (bytes[index], index > start ? bytes[index - 1] : 0)
            let isLegal = byte.isFieldCharacter || byte == .carriageReturn || byte == .lineFeed
            guard isLegal, (byte == .lineFeed) == (previous == .carriageReturn) else {
                throw HTTPRefusal(.badRequest, "The request head has an illegal byte.")
            }
        }
    }
}
