// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire

/// Decodes bytes as a connection does, and writes down what happens, one line an event.
struct WebSocketTranscript {
    var role = WebSocketDecoder.Role.server
    var messageBytesMax = 65_536
    private(set) var lines: [String] = []

    init(role: WebSocketDecoder.Role = .server, messageBytesMax: Int = 65_536) {
        self.role = role
        self.messageBytesMax = messageBytesMax
    }

    static func of(
        _ input: [UInt8], feed: Feed? = nil, role: WebSocketDecoder.Role = .server, messageBytesMax: Int = 65_536
    ) -> [String] {
        var transcript = WebSocketTranscript(role: role, messageBytesMax: messageBytesMax)
        transcript.read(input, feed ?? Feed(first: input.count, rest: 1))
        return transcript.lines
    }

    mutating func read(_ input: [UInt8], _ feed: Feed) {
        var decoder = WebSocketDecoder(self.role)
        var assembler = WebSocketAssembler()
        var lines: [String] = []
        let bound = self.messageBytesMax
        feed.run(input) { kept in
            var offset = 0
            while true {
                var span = kept.mutableSpan
                let event = decoder.next(&span, from: offset, messageBytesMax: bound)
                let bytes = kept
                switch event {
                case .needMore(let total):
                    // More than is there must be wanted, or a caller would ask again for nothing.
                    if total <= kept.count - offset { lines.append("asked for no more") }
                    return offset
                case .message(let opcode, let payload, let end):
                    lines.append("\(opcode) \(Self.show(opcode, bytes, payload))")
                    offset = end
                case .fragment(let opcode, let payload, let isFinal, let end):
                    if let message = assembler.append(opcode, bytes.span.extracting(payload), isFinal: isFinal) {
                        lines.append("joined \(message.opcode) \(message.payload.text)")
                    }
                    offset = end
                case .ping(let payload, let end):
                    lines.append("ping \(Array(bytes[payload]).hex)")
                    offset = end
                case .pong(let payload, let end):
                    lines.append("pong \(Array(bytes[payload]).hex)")
                    offset = end
                case .close(let code, let reason, _):
                    lines.append("close \(code.map(String.init) ?? "-") \(Array(bytes[reason]).text)")
                    return nil
                case .violation(let violation):
                    lines.append("violation \(violation.code) \(violation)")
                    return nil
                }
            }
        }
        self.lines = lines
    }

    private static func show(_ opcode: WebSocketOpcode, _ bytes: [UInt8], _ payload: Range<Int>) -> String {
        if payload.count > 64 { return "of \(payload.count)" }
        return opcode == .text ? Array(bytes[payload]).text : Array(bytes[payload]).hex
    }
}
