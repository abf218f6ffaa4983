// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

struct CentrifugeCommandReaderTests {
    private func steps(_ frame: String) -> [CentrifugeCommandReader.Step] {
        let input = bytes(frame)
        var reader = CentrifugeJSON.commands()
        var steps: [CentrifugeCommandReader.Step] = []
        repeat { steps.append(reader.next(in: input.span)) } while steps.last != .end && steps.last != .malformed
        #expect(reader.next(in: input.span) == steps.last)
        return steps
    }

    private let ping = CentrifugeCommandReader.Step.command(CentrifugeCommand(id: 1, request: .ping))
    private let pong = CentrifugeCommandReader.Step.command(CentrifugeCommand(id: 0, request: .pong))

    @Test func framesOfCommands() {
        let one = #"{"id":1,"ping":{}}"#
        #expect(self.steps(one) == [self.ping, .end])
        #expect(self.steps(one + "\n") == [self.ping, .end])
        #expect(self.steps(one + "\n{}\n" + one) == [self.ping, self.pong, self.ping, .end])
        #expect(self.steps(one + "\r\n{}\r\n") == [self.ping, self.pong, .end])
    }

    @Test func frameWithoutCommands() {
        #expect(self.steps("") == [.malformed])
        #expect(self.steps("\n") == [.malformed])
        #expect(self.steps(" ") == [.malformed])
    }

    @Test func emptyLines() {
        #expect(self.steps("{}\n\n") == [self.pong, .malformed])
        #expect(self.steps("{}\n\n{}") == [self.pong, .malformed])
        #expect(self.steps("\n{}") == [.malformed])
        #expect(self.steps("{}\n ") == [self.pong, .malformed])
    }

    /// What came before the fault is served.
    @Test func faultAfterCommands() {
        #expect(self.steps("{}\n{") == [self.pong, .malformed])
        #expect(self.steps("{}\nx\n{}") == [self.pong, .malformed])
        #expect(self.steps("{}{}") == [.malformed])
        #expect(self.steps("{\"id\":1,\n\"ping\":{}}") == [.malformed])
    }

    @Test func manyCommands() {
        #expect(self.steps(String(repeating: "{}\n", count: 10_000)).count == 10_001)
    }
}
