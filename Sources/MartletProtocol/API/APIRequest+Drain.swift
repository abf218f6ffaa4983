// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension APIRequest {
    /// `drain`: sends the connections of one node away without ending the node, or, with `undo`, takes that back, or,
    /// with `look`, only tells how far it is.
    package struct Drain: Equatable, Sendable {
        /// Bytes of what names a node.
        private static let nameBytesMax = 256

        /// The node's name, its id or the beginning of that; empty for the node that is asked.
        package var node: String
        package var undo: Bool
        /// Changes nothing, whatever `undo` says.
        package var look: Bool

        package static let fields = ["node", "undo", "look"]

        package init(node: String = "", undo: Bool = false, look: Bool = false) {
            self.node = node
            self.undo = undo
            self.look = look
        }

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.node = try fields.text("node", body)
            self.undo = try fields.flag("undo", body)
            self.look = try fields.flag("look", body)
            guard self.node.utf8.count <= Self.nameBytesMax else {
                throw .badRequest("node is longer than \(Self.nameBytesMax) bytes")
            }
        }

        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("node", self.node)
            writer.member("undo", self.undo)
            writer.member("look", self.look)
            writer.endObject()
            return writer.bytes
        }
    }
}
