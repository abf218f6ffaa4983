// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

extension APIRequest {
    /// What asks about one channel, or does something to it: `presence`, `presence_stats`, `history_remove`.
    package struct Channel: Equatable, Sendable {
        package var channel: String

        package static let fields = ["channel"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            self.channel = try APIFields(body, Self.fields).required("channel", body)
        }
    }

    package struct History: Equatable, Sendable {
        package var channel: String
        /// 0 asks for the position alone; nil, said by a number below 0, for all that is kept.
        package var limit: Int?
        package var since: StreamPosition?
        /// Newest first.
        package var isReverse: Bool

        package static let fields = ["channel", "limit", "since.offset", "since.epoch", "reverse"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.channel = try fields.required("channel", body)
            let limit = try fields.signed("limit", body)
            self.limit = limit < 0 ? nil : Int(limit)
            self.since = try fields.position("since", body)
            self.isReverse = try fields.flag("reverse", body)
        }
    }

    /// `channels`: those with subscribers, and a name of this `pattern`.
    package struct Channels: Equatable, Sendable {
        /// Nil for all.
        package var pattern: GlobPattern?

        package static let fields = ["pattern"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let text = try APIFields(body, Self.fields).text("pattern", body)
            if text.isEmpty { return }
            guard text.utf8.count <= APIRequest.patternBytesMax, let pattern = GlobPattern(text) else {
                throw .badRequest("pattern is not a pattern of at most \(APIRequest.patternBytesMax) bytes")
            }
            self.pattern = pattern
        }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("pattern", ifAny: self.pattern?.text)
            writer.endObject()
            return writer.bytes
        }
    }

    /// `rpc`: a method that is none of the API's own.
    package struct RPC: Equatable, Sendable {
        package var method: String
        /// JSON on one line, or nil.
        package var params: [UInt8]?

        package static let fields = ["method", "params"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.method = try fields.required("method", body)
            self.params = fields.json("params", body)
        }
    }
}
