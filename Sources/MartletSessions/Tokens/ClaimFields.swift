// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol

/// Reads the values of claims; nil where one is of another type than it must be.
enum ClaimFields {
    /// Seconds since 1970, as RFC 7519 section 2 has them: with a fraction or without, counted in whole ones here.
    static func time(_ value: JSONValue, in text: Span<UInt8>) -> Int64? {
        guard let seconds = value.double(in: text), seconds >= 0 else { return nil }
        return Int64(min(seconds, 1e15).rounded(.down))
    }

    static func strings(_ value: JSONValue, in text: Span<UInt8>) -> [String]? {
        if value.kind == .string { return value.string(in: text).map { [$0] } }
        guard value.kind == .array else { return nil }
        var (strings, elements) = ([String](), value.elements)
        while let element = elements.next(in: text) {
            guard let string = element.string(in: text) else { return nil }
            strings.append(string)
        }
        return strings
    }

    /// Bytes in base 64 that are JSON, on one line.
    static func embedded(_ value: JSONValue, in text: Span<UInt8>) -> [UInt8]? {
        guard let encoded = value.string(in: text), let bytes = Base64.decode(encoded) else {
            return nil
        }
        return JSONScanner.document(bytes.span)?.raw(in: bytes.span)
    }

    /// Subscriptions by channel, each with what it says beside its name.
    static func subscriptions(_ value: JSONValue, in text: Span<UInt8>) -> [ServerSubscription]? {
        guard value.kind == .object else { return nil }
        var (subscriptions, members) = ([ServerSubscription](), value.members)
        while let member = members.next(in: text) {
            guard let channel = member.key.string(in: text),
                let subscription = self.subscription(channel, member.value, in: text)
            else { return nil }
            subscriptions.append(subscription)
        }
        return subscriptions
    }

    private static func subscription(
        _ channel: String, _ value: JSONValue, in text: Span<UInt8>
    ) -> ServerSubscription? {
        var subscription = ServerSubscription(channel: channel)
        if value.isNull { return subscription }
        guard value.kind == .object else { return nil }
        var members = value.members
        while let member = members.next(in: text) {
            if member.value.isNull { continue }
            switch member.name(in: text) {
            case "info": subscription.info = subscription.info ?? member.value.raw(in: text)
            case "data": subscription.data = subscription.data ?? member.value.raw(in: text)
            case "b64info":
                guard let info = self.embedded(member.value, in: text) else { return nil }
                subscription.info = info
            case "b64data":
                guard let data = self.embedded(member.value, in: text) else { return nil }
                subscription.data = data
            case "expire_at":
                guard let time = self.time(member.value, in: text) else { return nil }
                subscription.expiresAt = time == 0 ? nil : time
            case "override":
                guard let overrides = self.overrides(member.value, in: text) else { return nil }
                subscription.overrides = overrides
            default: break
            }
        }
        return subscription
    }

    /// `{"presence": {"value": true}}`; an object without a value says false.
    static func overrides(_ value: JSONValue, in text: Span<UInt8>) -> SubscriptionOverrides? {
        guard value.kind == .object else { return nil }
        var (overrides, members) = (SubscriptionOverrides(), value.members)
        while let member = members.next(in: text) {
            if member.value.isNull { continue }
            guard member.value.kind == .object else { return nil }
            var (isSet, inner) = (false, member.value.members)
            while let field = inner.next(in: text) {
                guard field.name(in: text) == "value", !field.value.isNull else { continue }
                guard let flag = field.value.boolean(in: text) else { return nil }
                isSet = flag
            }
            switch member.name(in: text) {
            case "presence": overrides.presence = isSet
            case "join_leave": overrides.joinLeave = isSet
            case "force_push_join_leave": overrides.forceJoinLeave = isSet
            case "force_recovery": overrides.forceRecovery = isSet
            case "force_positioning": overrides.forcePositioning = isSet
            default: break
            }
        }
        return overrides
    }
}
