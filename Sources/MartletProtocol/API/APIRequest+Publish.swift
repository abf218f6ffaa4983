// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

extension APIRequest {
    /// What is published, the same for one channel and for many.
    package struct Message: Equatable, Sendable {
        /// JSON on one line; bytes as they came where they came in base 64.
        private let data: [UInt8]
        /// What those bytes are in a channel of JSON; nil where they can be nothing there.
        private let json: [UInt8]?
        /// A JSON object of strings on one line, or nil.
        package var tags: [UInt8]?
        /// Whether the channel's history is not to hold it.
        package var skipsHistory = false
        package var idempotencyKey: String?
        package var version: UInt64 = 0
        package var versionEpoch = ""

        /// `delta` is taken and means nothing: whether patches are made is the namespace's to say.
        static let fields = [
            "data", "b64data", "skip_history", "tags", "idempotency_key", "delta", "version", "version_epoch",
        ]

        package init(data: [UInt8]) {
            self.data = data
            self.json = data
        }

        init(_ fields: APIFields, _ body: Span<UInt8>) throws(APIError) {
            if let bytes = try fields.bytes("b64data", body) {
                self.data = bytes
                self.json = Payload.normalize(bytes)
            } else if fields.has("data") {
                // Null is a message like any other.
                let data = fields.json("data", body) ?? Array("null".utf8)
                self.data = data
                self.json = data
            } else {
                throw .badRequest("data is missing")
            }
            self.tags = try fields.tags("tags", body)
            self.skipsHistory = try fields.flag("skip_history", body)
            let key = try fields.text("idempotency_key", body)
            guard key.utf8.count <= APIRequest.idempotencyKeyBytesMax else {
                throw .badRequest("idempotency_key is longer than \(APIRequest.idempotencyKeyBytesMax) bytes")
            }
            self.idempotencyKey = key.isEmpty ? nil : key
            _ = try fields.flag("delta", body)
            self.version = try fields.unsigned("version", body)
            self.versionEpoch = try fields.text("version_epoch", body)
        }

        /// What is published in a channel. Where that is one of bytes, JSON is the bytes that it is written in.
        package func payload(for kind: NamespaceOptions.Data) throws(APIError) -> PublishedPayload {
            let payload =
                kind == .binary
                ? PublishedPayload(anything: self.data, for: kind)
                : self.json.flatMap { PublishedPayload(json: $0, for: kind) }
            guard let payload else { throw .badRequest("b64data is neither JSON nor UTF-8") }
            return payload
        }
    }

    package struct Publish: Equatable, Sendable {
        package var channel: String
        package var message: Message

        package static let fields = ["channel"] + Message.fields

        package init(channel: String, message: Message) {
            self.channel = channel
            self.message = message
        }

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.channel = try fields.required("channel", body)
            self.message = try Message(fields, body)
        }
    }

    /// The same for several `channels`.
    package struct Broadcast: Equatable, Sendable {
        package var channels: [String]
        package var message: Message

        package static let fields = ["channels"] + Message.fields

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.channels = try fields.texts("channels", body, countMax: APIRequest.channelsMax)
            guard !self.channels.isEmpty else { throw .badRequest("channels is missing") }
            guard !self.channels.contains("") else { throw .badRequest("channels holds an empty name") }
            self.message = try Message(fields, body)
        }
    }
}
