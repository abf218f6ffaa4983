// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

extension APIRequest {
    /// `subscribe`: the server subscribes a user's connections to a channel.
    package struct Subscribe: Equatable, Sendable {
        package var selection: Selection
        package var channel: String
        /// JSON on one line for the subscription's `chan_info`, or nil.
        package var info: [UInt8]?
        /// JSON on one line for the client, or nil.
        package var data: [UInt8]?
        package var since: StreamPosition?
        /// Seconds since 1970, or nil: never.
        package var expiresAt: Int64?
        /// What holds in place of the namespace's options.
        package var overrides = SubscriptionOverrides()

        package static let fields =
            Selection.fields + [
                "channel", "info", "b64info", "data", "b64data", "recover_since.offset", "recover_since.epoch",
                "expire_at", "override.presence.value", "override.join_leave.value", "override.force_recovery.value",
                "override.force_positioning.value", "override.force_push_join_leave.value",
            ]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.selection = try Selection(fields, body)
            self.channel = try fields.required("channel", body)
            self.info = try fields.payload("info", base64: "b64info", body)
            self.data = try fields.payload("data", base64: "b64data", body)
            self.since = try fields.position("recover_since", body)
            self.expiresAt = try fields.time("expire_at", body)
            guard let override = try fields.object("override", body) else { return }
            self.overrides.presence = try override.wrapped("presence", body)
            self.overrides.joinLeave = try override.wrapped("join_leave", body)
            self.overrides.forceRecovery = try override.wrapped("force_recovery", body)
            self.overrides.forcePositioning = try override.wrapped("force_positioning", body)
            self.overrides.forceJoinLeave = try override.wrapped("force_push_join_leave", body)
        }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            self.selection.write(to: &writer)
            writer.member("channel", self.channel)
            writer.member("info", ifAny: self.info)
            writer.member("data", ifAny: self.data)
            if let since = self.since {
                writer.key("recover_since")
                writer.beginObject()
                writer.member("offset", since.offset)
                writer.member("epoch", since.epoch)
                writer.endObject()
            }
            if let expiresAt = self.expiresAt { writer.member("expire_at", expiresAt) }
            if self.overrides != SubscriptionOverrides() {
                writer.key("override")
                writer.beginObject()
                Self.write("presence", self.overrides.presence, to: &writer)
                Self.write("join_leave", self.overrides.joinLeave, to: &writer)
                Self.write("force_recovery", self.overrides.forceRecovery, to: &writer)
                Self.write("force_positioning", self.overrides.forcePositioning, to: &writer)
                Self.write("force_push_join_leave", self.overrides.forceJoinLeave, to: &writer)
                writer.endObject()
            }
            writer.endObject()
            return writer.bytes
        }

        private static func write(_ name: String, _ value: Bool?, to writer: inout JSONWriter) {
            guard let value else { return }
            writer.key(name)
            writer.beginObject()
            writer.member("value", value)
            writer.endObject()
        }
    }
}
