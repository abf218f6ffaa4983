// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire

/// The frames of a client: judged alike whole and in pieces, and text that passes is text.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let piece = input.first.map({ Int($0 % 32) + 1 }) else { return 0 }
    let bytes = Array(input.dropFirst())
    precondition(events(bytes, piece: bytes.count) == events(bytes, piece: piece), "frames depend on the pieces")
    return 0
}

private func events(_ input: [UInt8], piece: Int) -> [String] {
    var decoder = WebSocketDecoder()
    var assembler = WebSocketAssembler()
    var events: [String] = []
    var kept: [UInt8] = []
    var start = 0
    while start < input.count {
        kept += input[start..<min(input.count, start + piece)]
        start += piece
        var offset = 0
        while offset >= 0 {
            var span = kept.mutableSpan
            let event = decoder.next(&span, from: offset, messageBytesMax: 512)
            switch event {
            case .needMore(let total):
                precondition(total > kept.count - offset, "nothing more is wanted")
                kept.removeFirst(offset)
                offset = -1
            case .message(let opcode, let payload, let end):
                check(opcode, Array(kept[payload]))
                events.append("\(opcode) \(kept[payload])")
                offset = end
            case .fragment(let opcode, let payload, let isFinal, let end):
                if let message = assembler.append(opcode, kept.span.extracting(payload), isFinal: isFinal) {
                    check(message.opcode, message.payload)
                    events.append("joined \(message)")
                }
                offset = end
            case .ping(let payload, let end), .pong(let payload, let end):
                events.append("control \(kept[payload])")
                offset = end
            case .close(let code, let reason, _): return events + ["close \(code ?? 0) \(kept[reason])"]
            case .violation(let violation): return events + ["violation \(violation)"]
            }
        }
    }
    return events
}

private func check(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
    precondition(payload.count <= 512, "a message exceeds its bound")
    precondition(opcode != .text || String(validating: payload, as: UTF8.self) != nil, "a text is none")
}
