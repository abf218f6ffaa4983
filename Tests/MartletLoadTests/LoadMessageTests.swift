// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import martlet_load

@Suite("Messages of the load tool")
struct LoadMessageTests {
    @Test("A message is as long as asked for, and found in what holds it", arguments: ["", #"{"channel":"c","data":"#])
    func find(before: String) {
        let message = LoadMessage.encode(number: 17, channel: 3, sentAt: 1_767_225_600_000_000_001, bytes: 128)
        #expect(message.count == 128)
        let text = Array(before.utf8) + message + Array("}".utf8)
        var hint = 0
        for _ in 0..<2 {
            let found = LoadMessage.find(in: text.span, 0..<text.count, hint: &hint)
            #expect(found == LoadMessage(number: 17, channel: 3, sentAt: 1_767_225_600_000_000_001))
            #expect(hint == before.utf8.count)
        }
    }

    @Test("The message of a bare broadcaster has no number")
    func bare() {
        let text = Array(#"{"t":12,"p":"aaa"}"#.utf8)
        var hint = 40
        #expect(LoadMessage.find(in: text.span, 0..<text.count, hint: &hint) == LoadMessage(sentAt: 12))
    }

    @Test("Whatever else comes is no message, cut anywhere")
    func others() {
        let message = LoadMessage.encode(number: 1, channel: 0, sentAt: 5, bytes: 10)
        var hint = 0
        for count in 0..<message.count {
            let cut = Array(message.prefix(count))
            let isThere = String(decoding: cut, as: UTF8.self).contains("\"p\":\"")
            #expect((LoadMessage.find(in: cut.span, 0..<count, hint: &hint) != nil) == isThere)
        }
        for text in ["", "{", "{}", #"{"n":}"#, #"{"x":1,"p":"a"}"#, #"{"n":1,"p":"a"}"#, #"{"jsonrpc":"2.0"}"#] {
            let bytes = Array(text.utf8)
            #expect(LoadMessage.find(in: bytes.span, 0..<bytes.count, hint: &hint) == nil)
        }
    }
}
