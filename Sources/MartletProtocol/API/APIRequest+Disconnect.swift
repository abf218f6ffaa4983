// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

extension APIRequest {
    /// `disconnect`: ends connections of a user, but none of `whitelist`; `disconnect` holds another `code` and `reason`
    /// than those of a forced disconnect.
    package struct Disconnect: Equatable, Sendable {
        package var selection: Selection
        /// The clients that are spared.
        package var keep: [String]
        package var notice: CloseNotice

        package static let fields = Selection.fields + ["whitelist", "disconnect.code", "disconnect.reason"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.selection = try Selection(fields, body)
            self.keep = try fields.texts("whitelist", body, countMax: APIRequest.whitelistMax)
            self.notice = CloseNotice(.forceDisconnect)
            guard let disconnect = try fields.object("disconnect", body) else { return }
            let code = try disconnect.unsigned("code", body)
            let reason = try disconnect.text("reason", body)
            guard reason.utf8.count <= CloseNotice.textBytesMax else {
                throw .badRequest("disconnect.reason is longer than \(CloseNotice.textBytesMax) bytes")
            }
            let wanted = code == 0 ? UInt64(CloseReason.forceDisconnect.code) : code
            guard let code = UInt16(exactly: wanted), let notice = CloseNotice(code: code, text: reason) else {
                throw .badRequest("disconnect.code is neither one of the server's from 3000 nor one of 4000 to 4999")
            }
            self.notice = notice
        }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            self.selection.write(to: &writer)
            if !self.keep.isEmpty {
                writer.key("whitelist")
                writer.beginArray()
                for client in self.keep { writer.string(client) }
                writer.endArray()
            }
            writer.key("disconnect")
            writer.beginObject()
            writer.member("code", UInt64(self.notice.code))
            writer.member("reason", self.notice.text)
            writer.endObject()
            writer.endObject()
            return writer.bytes
        }
    }
}
