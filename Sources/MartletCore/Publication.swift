// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A message in a channel, as it travels from its entry into a node to the encoders.
package struct Publication: Sendable, Equatable {
    package enum Kind: UInt8, Sendable {
        case message
        /// Somebody subscribed; `info` says who, and `data` is empty.
        case join
        case leave
    }

    package var kind = Kind.message
    /// Whether `data` is any bytes, and not JSON.
    package var isBinary = false
    /// Whether `data` is a patch against the channel's publication before, for those who have that.
    package var isPatch = false
    package var channel: String
    /// JSON on one line: validated, and its line feeds removed, once, where it entered the node. Where `isBinary` says
    /// so, bytes as they came.
    package var data: [UInt8]
    /// Who published, as the JSON of a `ClientInfo`, where a client did.
    package var info: [UInt8]?
    /// A JSON object of strings on one line, where the publisher gave any.
    package var tags: [UInt8]?
    /// Position in the channel's stream, where the channel has history.
    package var offset: UInt64?
    /// The stream's incarnation; empty where the channel has no history.
    package var epoch = ""
    /// When a node took it, on that node's `Clock.wall`; zero where nobody said (a raw Redis `PUBLISH`).
    package var time: Double

    package init(channel: String, data: [UInt8], info: [UInt8]? = nil, offset: UInt64? = nil, time: Double = 0) {
        self.channel = channel
        self.data = data
        self.info = info
        self.offset = offset
        self.time = time
    }

    /// Where the stream stands after it; nil where the channel has no history.
    package var position: StreamPosition? { self.offset.map { StreamPosition(offset: $0, epoch: self.epoch) } }
}
