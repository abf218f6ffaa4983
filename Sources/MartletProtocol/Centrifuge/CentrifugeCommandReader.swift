// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Reads the commands of one frame, or of one body, one after the other: JSON objects joined with a line feed, or
/// Protobuf messages, each with its length before it.
package struct CentrifugeCommandReader: Sendable {
    enum Encoding: Sendable {
        case json, protobuf
    }

    package enum Step: Equatable, Sendable {
        case command(CentrifugeCommand)
        /// All commands were read; there was at least one.
        case end
        /// Not the protocol. Commands read before stay good; the connection is closed with `bad_request`.
        case malformed
    }

    private let encoding: Encoding
    /// Where the next command begins.
    package private(set) var position = 0
    private var isMalformed = false

    init(_ encoding: Encoding) { self.encoding = encoding }

    /// The next step; always with the same frame.
    package mutating func next(in frame: Span<UInt8>) -> Step {
        if self.isMalformed { return .malformed }
        if self.position > 0, self.position >= frame.count { return .end }
        let command =
            switch self.encoding {
            case .json: self.line(in: frame)
            case .protobuf: self.message(in: frame)
            }
        guard let command else {
            self.isMalformed = true
            return .malformed
        }
        return .command(command)
    }

    private mutating func line(in frame: Span<UInt8>) -> CentrifugeCommand? {
        var end = self.position
        while end < frame.count, frame[end] != 0x0A { end += 1 }
        let line = frame.extracting(self.position..<end)
        self.position = end + 1
        return CentrifugeJSON.command(line)
    }

    private mutating func message(in frame: Span<UInt8>) -> CentrifugeCommand? {
        var start = self.position
        guard let length = ProtobufVarint.messageLength(frame, &start), length <= frame.count - start else {
            return nil
        }
        self.position = start + length
        return CentrifugeProtobuf.command(frame.extracting(start..<self.position))
    }
}
