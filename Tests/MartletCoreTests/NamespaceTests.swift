// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@Suite("Namespaces")
struct NamespaceTests {
    private let anonymous = Identity(user: "")
    private let ada = Identity(user: "ada", channels: ["granted:a"])

    @Test("Who may subscribe", arguments: NamespaceOptions.SubscribeRight.allCases)
    func subscribing(right: NamespaceOptions.SubscribeRight) {
        let options = NamespaceOptions(name: "x", subscribe: right)
        #expect(
            options.permitsSubscribing(to: "x:1", by: self.ada) == (right == .authenticated || right == .anonymous))
        let decision = options.subscribing(to: "x:1", by: self.anonymous)
        #expect((decision == .askProxy) == (right == .proxy))
        #expect(options.subscribing(to: "$x:1", by: self.ada) == .refused, "nobody is asked about a private channel")
        #expect(options.subscribing(to: "x:1#ada", by: self.ada) == .permitted)
        #expect(options.permitsSubscribing(to: "x:1", by: self.anonymous) == (right == .anonymous))
        #expect(options.permitsSubscribing(to: "x:1", by: self.anonymous, hasToken: true))
        #expect(options.permitsSubscribing(to: "granted:a", by: self.ada))
    }

    @Test("A channel's name limits whom its namespace admits")
    func names() {
        let options = NamespaceOptions(name: "x", subscribe: .anonymous, publish: .anonymous)
        #expect(!options.permitsSubscribing(to: "$x:1", by: self.ada))
        #expect(options.permitsSubscribing(to: "$x:1", by: self.ada, hasToken: true))
        #expect(options.permitsSubscribing(to: "x:1#ada,bob", by: self.ada))
        #expect(!options.permitsSubscribing(to: "x:1#bob", by: self.ada))
        #expect(!options.permitsSubscribing(to: "x:1#", by: self.anonymous))
        #expect(NamespaceOptions().permitsSubscribing(to: "#ada", by: self.ada))

        #expect(!options.permitsPublishing(to: "$x:1", by: self.ada, isSubscribed: false))
        #expect(options.permitsPublishing(to: "$x:1", by: self.ada, isSubscribed: true))
        #expect(!options.permitsPublishing(to: "x:1#bob", by: self.ada, isSubscribed: false))
        #expect(options.permitsPublishing(to: "x:1#ada", by: self.ada, isSubscribed: false))
    }

    @Test("Who may publish", arguments: NamespaceOptions.PublishRight.allCases)
    func publishing(right: NamespaceOptions.PublishRight) {
        let options = NamespaceOptions(name: "x", publish: right)
        let (all, users) = (right == .anonymous, right == .anonymous || right == .authenticated)
        #expect(options.permitsPublishing(to: "x:1", by: self.anonymous, isSubscribed: false) == all)
        #expect(options.permitsPublishing(to: "x:1", by: self.ada, isSubscribed: false) == users)
        #expect(
            options.permitsPublishing(to: "x:1", by: self.anonymous, isSubscribed: true)
                == (right == .subscribers || all))
    }

    @Test("A namespace that is not listed is refused, channels without one never are")
    func table() {
        let chat = NamespaceOptions(name: "chat", subscribe: .authenticated)
        let strict = NamespaceTable([chat])
        #expect(strict.options(of: "chat:1") == chat)
        #expect(strict.options(of: "$chat:1") == chat)
        #expect(strict.options(of: "other:1") == nil)
        #expect(strict.options(of: "news") == NamespaceOptions())

        let open = NamespaceOptions(subscribe: .anonymous)
        #expect(NamespaceTable([chat], unlisted: open).options(of: "other:1") == open)
        #expect(NamespaceTable([chat], unlisted: open).options(of: "news") == open)
        let nameless = NamespaceOptions(publish: .subscribers)
        #expect(NamespaceTable([nameless], unlisted: open).options(of: "news") == nameless)
        #expect(NamespaceTable([nameless]).options(of: ":x") == nameless)
    }
}
