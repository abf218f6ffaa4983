// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

struct ProtobufDecodingTests {
    private func steps(_ frame: [UInt8]) -> [CentrifugeCommandReader.Step] {
        var reader = CentrifugeProtobuf.commands()
        var steps: [CentrifugeCommandReader.Step] = []
        repeat { steps.append(reader.next(in: frame.span)) } while steps.last != .end && steps.last != .malformed
        #expect(reader.next(in: frame.span) == steps.last)
        return steps
    }

    private func command(_ fields: [UInt8]...) -> CentrifugeCommand? {
        let message = fields.flatMap { $0 }
        return CentrifugeProtobuf.command(message.span)
    }

    /// A field with a length.
    private func field(_ number: UInt8, _ content: [UInt8]...) -> [UInt8] {
        let content = content.flatMap { $0 }
        return [number << 3 | 2] + Self.varint(UInt64(content.count)) + content
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + self.varint(value >> 7)
    }

    private let id: [UInt8] = [0x08, 0x01]
    private let pong = CentrifugeCommandReader.Step.command(CentrifugeCommand(id: 0, request: .pong))

    /// A command means the same in both encodings; those in Protobuf come from the SDK.
    @Test func commandsOfTheSDK() throws {
        for fixture in ProtobufFixtures.commands {
            let json = bytes(fixture.json)
            let steps = self.steps(fixture.bytes)
            if var expected = CentrifugeJSON.command(json.span) {
                // What is published may be any bytes here.
                if case .publish(let channel, let data) = expected.request {
                    expected.request = .publishBytes(channel: channel, data: data)
                }
                #expect(steps == [.command(expected), .end], "\(fixture.json)")
            } else {
                Issue.record("\(fixture.json)")
            }
        }
    }

    @Test func framesOfCommands() {
        let all = ProtobufFixtures.commands.flatMap(\.bytes)
        #expect(self.steps(all).count == ProtobufFixtures.commands.count + 1)
        #expect(self.steps(all).last == .end)
        #expect(self.steps([0]) == [self.pong, .end])
        #expect(self.steps([0, 0]) == [self.pong, self.pong, .end])
        #expect(self.steps([UInt8](repeating: 0, count: 10_000)).count == 10_001)
    }

    @Test func frameWithoutCommands() { #expect(self.steps([]) == [.malformed]) }

    /// A frame cut anywhere gives the commands before the cut, and ends where a cut between commands leaves it.
    @Test func truncatedAtEveryByte() {
        let pieces = ProtobufFixtures.commands.map(\.bytes)
        let all = pieces.flatMap { $0 }
        var ends = [0]
        for piece in pieces { ends.append((ends.last ?? 0) + piece.count) }
        for cut in 1..<all.count {
            let steps = self.steps(Array(all[..<cut]))
            let complete = ends.filter { $0 <= cut }.count - 1
            #expect(steps.count == complete + 1)
            #expect(steps.last == (ends.contains(cut) ? .end : .malformed))
        }
    }

    @Test(
        arguments: [
            [0x80], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            [0x80, 0x80, 0x80, 0x80, 0x80],
            [0x05, 0x08], [0x01], [0x7F, 0x08, 0x01], [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x08, 0x01],
        ] as [[UInt8]])
    func badLengths(_ frame: [UInt8]) {
        #expect(self.steps(frame) == [.malformed])
        #expect(self.steps([0] + frame) == [self.pong, .malformed])
    }

    /// A length need not be written in its shortest form.
    @Test func longFormOfLength() {
        #expect(self.steps([0x82, 0x00, 0x08, 0x01]) == [.command(CentrifugeCommand(id: 1, request: .unknown)), .end])
    }

    @Test func malformedMessages() {
        // A tag without its field, the field zero, a wrong type on the wire, a length beyond the message, bad UTF-8.
        #expect(self.command([0x08]) == nil)
        #expect(self.command([0x00, 0x01]) == nil)
        #expect(self.command([0x0F]) == nil)
        #expect(self.command([0x2A, 0x05, 0x0A]) == nil)
        #expect(self.command(self.id, self.field(5, self.field(1, [0xC3]))) == nil)
        #expect(self.command([0x08] + [UInt8](repeating: 0xFF, count: 10) + [0x01]) == nil)
        #expect(self.command(self.id, self.field(7, self.field(1, bytes("c")))) == nil)
    }

    @Test func unknownFields() {
        #expect(self.command(self.id, self.field(2, [1, 2])) == CentrifugeCommand(id: 1, request: .unknown))
        #expect(self.command(self.field(3, [1])) == CentrifugeCommand(id: 0, request: .pong))
        #expect(
            self.command(self.id, self.field(8, self.field(1, bytes("c")), self.field(9, [7])))
                == CentrifugeCommand(id: 1, request: .presence(channel: "c")))
    }

    /// Groups within groups within a field that nobody knows.
    @Test func deepUnknownFields() {
        let deep = [[UInt8]](repeating: [0x83, 0x01], count: 2_000).flatMap { $0 }
        #expect(self.command(self.id, deep) == nil)
    }

    /// Of several requests the first is served in the order of the protocol, not of the frame.
    @Test func precedence() {
        let ordered: [UInt8] = [4, 11, 5, 6, 7, 8, 9, 10, 13, 12, 14, 15]
        // What publishing and others want is among fields that the rest does not know as text.
        let body: (UInt8) -> [UInt8] = { [self] in $0 == 7 ? self.field(7, self.field(2, bytes("1"))) : self.field($0) }
        for index in ordered.indices {
            let alone = self.command(self.id, body(ordered[index]))
            #expect(alone != nil && alone?.request != .unknown)
            #expect(self.command(self.id, ordered[index...].reversed().flatMap(body)) == alone)
        }
    }

    // MARK: - Payloads

    @Test func payloadsStandOnOneLine() {
        let data = bytes("{\n  \"a\": [1,\r\n 2]\n}")
        #expect(
            self.command(self.id, self.field(13, self.field(1, data), self.field(2, bytes("m"))))
                == CentrifugeCommand(id: 1, request: .rpc(method: "m", data: bytes("{  \"a\": [1, 2]}"))))
    }

    @Test(arguments: ["x", "{", "{}{}", "\u{0}", "\"\n\"", String(repeating: "[", count: 65) + "]"])
    func payloadsThatAreNotJSON(_ payload: String) {
        let refused = CentrifugeCommand(id: 1, request: .invalidPayload)
        let data = bytes(payload)
        #expect(self.command(self.id, self.field(4, self.field(2, data))) == refused)
        #expect(self.command(self.id, self.field(4, self.field(3, self.field(2, self.field(8, data))))) == refused)
        #expect(self.command(self.id, self.field(5, self.field(8, data))) == refused)
        #expect(self.command(self.id, self.field(12, self.field(1, data))) == refused)
        #expect(self.command(self.id, self.field(13, self.field(1, data))) == refused)
    }

    /// What is published may be any bytes: the channel says.
    @Test(arguments: [bytes("{}"), bytes("x"), [0xFF, 0x00], bytes("1\n")]) func whatIsPublished(_ data: [UInt8]) {
        #expect(
            self.command(self.id, self.field(7, self.field(1, bytes("c")), self.field(2, data)))
                == CentrifugeCommand(id: 1, request: .publishBytes(channel: "c", data: data)))
        #expect(self.command(self.id, self.field(7, self.field(1, bytes("c")))) == nil)
    }

    // MARK: - Emulation

    @Test func emulation() {
        var expected = EmulationRequest()
        (expected.node, expected.session) = ("n", "s")
        expected.data = bytes("{\"id\":1,\"ping\":{}}\n{}")
        let message = ProtobufFixture.bytes(ProtobufFixtures.emulation)
        #expect(CentrifugeProtobuf.emulationRequest(message.span) == expected)
        let empty: [UInt8] = []
        #expect(CentrifugeProtobuf.emulationRequest(empty.span) == EmulationRequest())
        let fieldEnds = [0, 3, 6, message.count]
        for length in 0..<message.count {
            let request = CentrifugeProtobuf.emulationRequest(message.span.extracting(first: length))
            #expect((request != nil) == fieldEnds.contains(length))
        }
    }
}
