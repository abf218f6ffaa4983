// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletHub
import MartletSessions
import TestSupport

@testable import MartletEdge

extension SocketClient {
    /// The next message, which must be text.
    func text() throws -> String {
        guard case .text(let text) = try self.next() else { throw TestSupportError("not a text") }
        return text
    }

    /// Sends a command under id 9 and reads the next message.
    func command(_ body: String) throws -> String {
        try self.send(#"{"id":9,\#(body)}"#)
        return try self.text()
    }

    /// The error a command is answered with; zero for none.
    func code(_ body: String) throws -> Int {
        let text = try self.command(body)
        guard let start = text.range(of: #""error":{"code":"#) else { return 0 }
        return Int(text[start.upperBound...].prefix { $0.isNumber }) ?? -1
    }

    static func error(_ code: Int, _ message: String, id: Int = 9) -> String {
        #"{"id":\#(id),"error":{"code":\#(code),"message":"\#(message)"}}"#
    }
}

extension EdgeRig {
    /// Channels of every kind: `log` keeps its history, `who` its presence, `both` does all.
    static func channels(_ options: inout Options) {
        var log = NamespaceOptions(name: "log", subscribe: .authenticated, publish: .subscribers)
        log.historySize = 5
        var who = NamespaceOptions(name: "who", subscribe: .authenticated, publish: .subscribers)
        who.presence = true
        who.joinLeave = true
        var last = log
        last.name = "last"
        last.recovery = .cache
        var room = NamespaceOptions(name: "room", subscribe: .authenticated, publish: .subscribers)
        room.presenceRight = .none
        options.edge.namespaces = NamespaceTable([
            log, who, last, room, NamespaceOptions(name: "secret"),
            NamespaceOptions(name: "open", subscribe: .anonymous, publish: .anonymous),
        ])
    }

    func subscriptionToken(
        _ user: String, _ channel: String, client: String = "", expiresIn: Int64? = 3_600, info: String? = nil,
        _ change: (inout SubscriptionOverrides) -> Void = { _ in }
    ) -> String {
        var overrides = SubscriptionOverrides()
        change(&overrides)
        return self.issuer.token(
            for: SubscriptionToken(
                user: user, channel: channel, client: client, info: info.map { Array($0.utf8) },
                expiresAt: expiresIn.map { Int64(Clock.wall) + $0 }, overrides: overrides))
    }

    /// A token whose connection is subscribed to channels by the server.
    func token(_ user: String, subscriptions: [ServerSubscription]) -> String {
        let now = Int64(Clock.wall)
        return self.issuer.token(
            for: Identity(user: user, issuedAt: now - 1, expiresAt: now + 3_600, subscriptions: subscriptions))
    }

    /// Publishes into a stream.
    func publish(_ channel: String, _ numbers: ClosedRange<Int>) {
        let history = HistoryOptions(size: 5, ttl: .seconds(300))
        for number in numbers {
            let publication = Publication(channel: channel, data: Array("\(number)".utf8), time: Clock.wall)
            self.bus.publish(publication, PublishOptions(history: history)) { _ in }
        }
    }
}
