// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletRedis
import Testing

struct RedisSubscriberStateMachineTests {
    private func machine(batch: Int = 3, window: Int = 100) -> RedisSubscriberStateMachine {
        RedisSubscriberStateMachine(batchMax: batch, windowMax: window)
    }

    private func reply(_ kind: String, _ channel: String) -> RESPValue {
        .array([.bytes(Array(kind.utf8)), .bytes(Array(channel.utf8)), .integer(1)])
    }

    @Test func gathersWhatIsAskedFor() {
        var machine = self.machine()
        #expect(machine.opened() == true)
        for channel in ["a", "b", "c", "d", "a"] { machine.subscribe(channel) }
        machine.unsubscribe("b")
        machine.unsubscribe("nobody")
        machine.subscribe("b")
        #expect(machine.nextBatch() == .init(operation: .subscribe, channels: ["a", "b", "c"]))
        #expect(machine.nextBatch() == .init(operation: .subscribe, channels: ["d"]))
        #expect(machine.nextBatch() == .init(operation: .unsubscribe, channels: ["b"]))
        #expect(machine.nextBatch() == .init(operation: .subscribe, channels: ["b"]))
        #expect(machine.nextBatch() == nil)
    }

    @Test func keepsToItsWindow() {
        var machine = self.machine(batch: 2, window: 2)
        #expect(machine.opened() == true)
        for channel in ["a", "b", "c"] { machine.subscribe(channel) }
        #expect(machine.nextBatch()?.channels == ["a", "b"])
        #expect(machine.nextBatch() == nil)
        #expect(machine.received(self.reply("subscribe", "a")) == .subscribed("a", restored: false))
        #expect(machine.nextBatch()?.channels == ["c"])
    }

    @Test func restoresAfterAnOutage() {
        var machine = self.machine()
        machine.subscribe("a")
        #expect(machine.nextBatch() == nil)
        #expect(machine.opened() == false)
        #expect(machine.nextBatch()?.channels == ["a"])
        #expect(machine.received(self.reply("subscribe", "a")) == .subscribed("a", restored: true))
        machine.subscribe("b")
        _ = machine.nextBatch()
        #expect(machine.received(self.reply("subscribe", "b")) == .subscribed("b", restored: false))
        machine.closed()
        machine.unsubscribe("a")
        machine.subscribe("c")
        #expect(machine.nextBatch() == nil)
        #expect(machine.opened() == false)
        let again = machine.nextBatch()
        #expect(again?.operation == .subscribe)
        #expect(Set(again?.channels ?? []) == ["b", "c"])
        machine.subscribe("d")
        #expect(machine.received(self.reply("subscribe", "b")) == .subscribed("b", restored: false))
        #expect(machine.received(self.reply("subscribe", "c")) == .subscribed("c", restored: true))
        #expect(machine.received(self.reply("unsubscribe", "c")) == .unsubscribed("c"))
    }

    @Test func tellsMessagesFromAcknowledgements() {
        var machine = self.machine()
        _ = machine.opened()
        let message = RESPValue.array([.bytes(Array("message".utf8)), .bytes([97]), .bytes([0, 255])])
        #expect(machine.received(message) == .message(channel: [97], payload: [0, 255]))
        #expect(machine.received(.status("PONG")) == .none)
        #expect(machine.received(.array([.bytes(Array("pong".utf8)), .bytes([])])) == .none)
        #expect(machine.received(.error("NOPERM")) == .fail(.refused("NOPERM")))
    }

    @Test(arguments: [
        RESPValue.integer(1), .null, .array([]), .array([.integer(1)]), .array([.bytes(Array("message".utf8))]),
        .array([.bytes(Array("message".utf8)), .null, .null]), .array([.bytes(Array("subscribe".utf8))]),
        .array([.bytes(Array("subscribe".utf8)), .bytes([0xFF]), .integer(1)]), .array([.bytes([0xFF])]),
    ])
    func refusesWhatNoSubscriberGets(_ reply: RESPValue) {
        var machine = self.machine()
        _ = machine.opened()
        guard case .fail = machine.received(reply) else {
            Issue.record("it took \(reply)")
            return
        }
    }

    @Test func asksWhetherItLives() {
        var machine = self.machine()
        #expect(machine.keepAliveDue() == .none)
        _ = machine.opened()
        #expect(machine.keepAliveDue() == .ask)
        _ = machine.received(.status("PONG"))
        #expect(machine.keepAliveDue() == .rest)
        #expect(machine.keepAliveDue() == .ask)
        #expect(machine.keepAliveDue() == .fail)
        machine.closed()
        #expect(machine.keepAliveDue() == .none)
    }
}
