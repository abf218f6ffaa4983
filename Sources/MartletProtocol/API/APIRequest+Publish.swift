// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension APIRequest {
    /// `publish`: `channel`, and `data` (any JSON) or `b64data`. `skip_history`, `idempotency_key`, `tags` and `delta`
    /// are accepted; without history there is nothing that they could change.
    package struct Publish: Equatable, Sendable {
        package var channel: String
        /// JSON on one line.
        package var data: [UInt8]

        package init(channel: String, data: [UInt8]) {
            self.channel = channel
            self.data = data
        }

        package init(_ body: Span<UInt8>) throws(APIError) {
            var channel: String?
            var data: [UInt8]?
            var base64: String?
            var members = try APIFields(body).members
            while let member = members.next(in: body) {
                switch member.name(in: body) {
                case "channel": channel = try APIFields.text(member, body)
                case "data": data = member.value.raw(in: body)
                case "b64data": base64 = try APIFields.text(member, body)
                default: break
                }
            }
            self.channel = try APIFields.required(channel, "channel")
            self.data = try APIFields.payload(data: data, base64: base64)
        }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter(capacity: 32 + self.channel.utf8.count + self.data.count)
            writer.beginObject()
            writer.member("channel", self.channel)
            writer.member("data", raw: self.data)
            writer.endObject()
            return writer.bytes
        }
    }

    /// `broadcast`: the same for several `channels`.
    package struct Broadcast: Equatable, Sendable {
        package var channels: [String]
        /// JSON on one line.
        package var data: [UInt8]

        package init(_ body: Span<UInt8>) throws(APIError) {
            var channels: [String] = []
            var data: [UInt8]?
            var base64: String?
            var members = try APIFields(body).members
            while let member = members.next(in: body) {
                switch member.name(in: body) {
                case "channels":
                    channels = try APIFields.texts(member, body, countMax: APIRequest.channelsMax)
                case "data": data = member.value.raw(in: body)
                case "b64data": base64 = try APIFields.text(member, body)
                default: break
                }
            }
            guard !channels.isEmpty else { throw .badRequest("channels is missing") }
            guard !channels.contains("") else { throw .badRequest("channels holds an empty name") }
            self.channels = channels
            self.data = try APIFields.payload(data: data, base64: base64)
        }
    }
}
