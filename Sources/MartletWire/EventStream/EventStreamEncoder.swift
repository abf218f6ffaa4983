// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Writes `text/event-stream` (WHATWG HTML section 9.2).
///
/// The bytes of an event are the same for all who get it; what may differ is the id. The shared bytes may therefore be
/// sent without their blank line, and after them the line with the id, which belongs to the same event, and the blank
/// line.
package enum EventStreamEncoder {
    /// An event, with its blank line unless an id follows. Data is cut into lines at LF, CR LF and CR, as its parser would; line ends in
    /// names are left out.
    package static func event(
        name: String? = nil, id: String? = nil, data: [UInt8], isComplete: Bool = true
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + (name?.utf8.count ?? 0) + (id?.utf8.count ?? 0) + 32)
        if let name { Self.append("event: ", Array(name.utf8), to: &bytes) }
        if let id { bytes += Self.idLine(id) }
        var start = 0
        for index in data.indices where data[index] == .lineFeed || data[index] == .carriageReturn {
            // The LF of a CR LF ended no line of its own.
            if data[index] == .lineFeed, index > 0, data[index - 1] == .carriageReturn {
                start = index + 1
                continue
            }
            bytes += "data: ".utf8
            bytes += data[start..<index]
            bytes.append(.lineFeed)
            start = index + 1
        }
        bytes += "data: ".utf8
        bytes += data[start...]
        bytes.append(.lineFeed)
        if isComplete { bytes.append(.lineFeed) }
        return bytes
    }

    /// The end of an incomplete event. By itself it is no event, but from then on the reader's last id.
    package static func end(id: String) -> [UInt8] {
        var bytes = Self.idLine(id)
        bytes.append(.lineFeed)
        return bytes
    }

    /// `id: …`, to be followed by the rest of its event. A NUL, which would make the parser ignore it, is left out.
    package static func idLine(_ id: String) -> [UInt8] {
        var bytes: [UInt8] = []
        Self.append("id: ", id.utf8.filter { $0 != 0 }, to: &bytes)
        return bytes
    }

    /// Tells how long to wait before coming back, as a block of its own.
    package static func retry(milliseconds: Int) -> [UInt8] { Array("retry: \(max(0, milliseconds))\n\n".utf8) }

    /// A line that its reader ignores; keeps intermediaries from timing out.
    package static func comment(_ text: String = "") -> [UInt8] {
        var bytes: [UInt8] = []
        Self.append(":", Array(text.utf8), to: &bytes)
        return bytes
    }

    private static func append(_ field: String, _ value: [UInt8], to bytes: inout [UInt8]) {
        bytes += field.utf8
        bytes += value.lazy.filter { $0 != .lineFeed && $0 != .carriageReturn }
        bytes.append(.lineFeed)
    }
}
