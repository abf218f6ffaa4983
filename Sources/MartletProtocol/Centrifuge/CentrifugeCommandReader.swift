// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Reads the commands of one frame, or of one body, one after the other: JSON objects joined with a line feed.
package struct CentrifugeCommandReader: Sendable {
    package enum Step: Equatable, Sendable {
        case command(CentrifugeCommand)
        /// All commands were read; there was at least one.
        case end
        /// Not the protocol. Commands read before stay good; the connection is closed with `bad_request`.
        case malformed
    }

    private var position = 0
    private var isMalformed = false

    package init() {}

    /// The next step; always with the same frame.
    package mutating func next(in frame: Span<UInt8>) -> Step {
        if self.isMalformed { return .malformed }
        if self.position > 0, self.position >= frame.count { return .end }
        var end = self.position
        while end < frame.count, frame[end] != 0x0A { end += 1 }
        let line = frame.extracting(self.position..<end)
        self.position = end + 1
        guard let command = CentrifugeJSON.command(line) else {
            self.isMalformed = true
            return .malformed
        }
        return .command(command)
    }
}
