// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension APIRequest {
    /// `drain`: sends the connections of one node away without ending the node, or, with `undo`, takes that back.
    package struct Drain: Equatable, Sendable {
        /// Bytes of what names a node.
        private static let nameBytesMax = 256

        /// The node's name, its id or the beginning of that; empty for the node that is asked.
        package var node: String
        package var undo: Bool

        package static let fields = ["node", "undo"]

        package init(node: String = "", undo: Bool = false) {
            self.node = node
            self.undo = undo
        }

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.node = try fields.text("node", body)
            self.undo = try fields.flag("undo", body)
            guard self.node.utf8.count <= Self.nameBytesMax else {
                throw .badRequest("node is longer than \(Self.nameBytesMax) bytes")
            }
        }

        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("node", self.node)
            writer.member("undo", self.undo)
            writer.endObject()
            return writer.bytes
        }
    }
}
