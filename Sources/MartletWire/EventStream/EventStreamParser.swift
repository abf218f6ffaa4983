// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Reads `text/event-stream` (WHATWG HTML section 9.2.6) as it comes, for tools and tests.
package struct EventStreamParser: Sendable {
    package enum Event: Hashable, Sendable {
        case event(name: String, data: [UInt8], lastEventID: String)
        case retry(milliseconds: Int)
        case comment
        /// A line, or an event's data, is longer than the bound. The stream is of no further use.
        case tooLong
    }

    private let bytesMax: Int
    private var line: [UInt8] = []
    private var data: [UInt8] = []
    private var name: [UInt8] = []
    private var lastEventID = ""
    private var hasData = false
    private var followsReturn = false
    private var linesRead = 0

    package init(bytesMax: Int = 1_048_576) { self.bytesMax = bytesMax }

    /// Takes all bytes, and appends what they complete.
    package mutating func feed(_ bytes: Span<UInt8>, into events: inout [Event]) {
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == .lineFeed, self.followsReturn {
                self.followsReturn = false
                continue
            }
            self.followsReturn = byte == .carriageReturn
            guard byte == .lineFeed || byte == .carriageReturn else {
                guard self.line.count + self.data.count < self.bytesMax else {
                    events.append(.tooLong)
                    return
                }
                self.line.append(byte)
                continue
            }
            // The stream may begin with a byte order mark.
            if self.linesRead == 0, self.line.starts(with: [0xEF, 0xBB, 0xBF]) { self.line.removeFirst(3) }
            self.linesRead = 1
            self.endLine(into: &events)
            self.line.removeAll(keepingCapacity: true)
        }
    }

    private mutating func endLine(into events: inout [Event]) {
        if self.line.isEmpty {
            self.dispatch(into: &events)
            return
        }
        let colon = self.line.firstIndex(of: .colon) ?? self.line.endIndex
        if colon == 0 {
            events.append(.comment)
            return
        }
        var value = self.line[min(colon + 1, self.line.endIndex)...]
        if value.first == .space { value = value.dropFirst() }
        switch String(decoding: self.line[..<colon], as: UTF8.self) {
        case "event": self.name = Array(value)
        case "data":
            if self.hasData { self.data.append(.lineFeed) }
            self.hasData = true
            self.data += value
        case "id":
            if !value.contains(0) { self.lastEventID = String(decoding: value, as: UTF8.self) }
        case "retry":
            let isNumber = !value.isEmpty && value.allSatisfy(\.isDigit)
            if isNumber, let milliseconds = Int(String(decoding: value, as: UTF8.self)) {
                events.append(.retry(milliseconds: milliseconds))
            }
        default: break
        }
    }

    private mutating func dispatch(into events: inout [Event]) {
        defer {
            self.data = []
            self.name = []
            self.hasData = false
        }
        guard self.hasData else { return }
        let name = self.name.isEmpty ? "message" : String(decoding: self.name, as: UTF8.self)
        events.append(.event(name: name, data: self.data, lastEventID: self.lastEventID))
    }
}
