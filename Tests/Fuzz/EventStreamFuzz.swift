// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire

/// A chunked event stream: read alike whole and in pieces; and what the encoders write is read as it was meant.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let piece = input.first.map({ Int($0 % 32) + 1 }) else { return 0 }
    let bytes = Array(input.dropFirst())
    precondition(events(bytes, piece: bytes.count) == events(bytes, piece: piece), "a stream depends on the pieces")
    precondition(body(bytes, piece: bytes.count) == body(bytes, piece: piece), "a body depends on the pieces")

    let stream = ChunkedEncoding.chunk(EventStreamEncoder.event(data: bytes)) + ChunkedEncoding.last
    let (written, ending) = body(stream, piece: piece)
    precondition(ending == "finished", "what was written does not end")
    var expected: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
        if byte == 0x0A, index > 0, bytes[index - 1] == 0x0D { continue }
        expected.append(byte == 0x0D ? 0x0A : byte)
    }
    let event = EventStreamParser.Event.event(name: "message", data: expected, lastEventID: "")
    precondition(events(written, piece: piece) == [event], "data changes on its way")
    return 0
}

private func events(_ input: [UInt8], piece: Int) -> [EventStreamParser.Event] {
    var parser = EventStreamParser(bytesMax: 65_536)
    var events: [EventStreamParser.Event] = []
    for start in stride(from: 0, to: input.count, by: max(1, piece)) {
        let part = Array(input[start..<min(input.count, start + max(1, piece))])
        parser.feed(part.span, into: &events)
    }
    return events
}

private func body(_ input: [UInt8], piece: Int) -> ([UInt8], String) {
    var decoder = ChunkedDecoder()
    var body: [UInt8] = []
    for start in stride(from: 0, to: input.count, by: max(1, piece)) {
        let part = Array(input[start..<min(input.count, start + max(1, piece))])
        var offset = 0
        while offset < part.count {
            switch decoder.next(part.span, from: offset) {
            case .needMore(let consumed):
                precondition(consumed == part.count, "bytes are left over")
                offset = consumed
            case .data(let range):
                precondition(!range.isEmpty, "a part of the body is empty")
                body += part[range]
                offset = range.upperBound
            case .finished: return (body, "finished")
            case .invalid: return (body, "invalid")
            }
        }
    }
    return (body, "open")
}
