// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

struct ChannelNameTests {
    @Test(arguments: [
        ("a", true), ("news:sport#1,2", true), ("$private:x", true), ("~", true), ("", false), ("a b", false),
        ("a\n", false), ("é", false), ("a\u{7f}", false), ("a\u{0}", false),
        (String(repeating: "x", count: 255), true), (String(repeating: "x", count: 256), false),
    ])
    func validNames(_ name: String, isValid: Bool) {
        #expect(ChannelName.isValid(name, bytesMax: 255) == isValid)
    }

    @Test(arguments: [
        ("news:sport", "news"), ("news:a:b", "news"), ("sport", ""), ("$news:x", "news"), ("$x", ""), (":x", ""),
        ("", ""), ("$", ""), ("$$a:b", "$a"),
    ])
    func namespaces(_ name: String, namespace: String) {
        #expect(ChannelName.namespace(of: name) == namespace)
    }

    @Test func usersAndPrivacy() {
        #expect(ChannelName.users(of: "chat#1,2") == ["1", "2"])
        #expect(ChannelName.users(of: "a#b#3") == ["3"])
        #expect(ChannelName.users(of: "chat#") == [])
        #expect(ChannelName.users(of: "chat") == nil)
        #expect(ChannelName.isPrivate("$a") && !ChannelName.isPrivate("a$") && !ChannelName.isPrivate(""))
    }

    @Test func spansAreCopied() {
        let bytes: [UInt8] = [1, 2, 3]
        var copy = [UInt8](copying: bytes.span)
        copy.append(copying: bytes.span)
        copy.append(copying: bytes.span.extracting(0..<0))
        #expect(copy == [1, 2, 3, 1, 2, 3])
    }
}
