// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import MartletReactor
import MartletWire

/// The frames of one publication inside one shard, each encoded when the first subscriber of its format is met.
struct PublicationEncoder {
    private let publication: Publication
    private var frames: [4 of FrameIndex?] = [nil, nil, nil, nil]

    init(_ publication: Publication) { self.publication = publication }

    mutating func frame(_ format: WireFormat, in reactor: Reactor) -> FrameIndex {
        let index = Int(format.rawValue)
        if let frame = self.frames[index] { return frame }
        let frame = reactor.frame(self.encode(format))
        self.frames[index] = frame
        return frame
    }

    func encode(_ format: WireFormat) -> [UInt8] {
        switch format {
        case .centrifugeJSON:
            WebSocketFrame.encode(.text, payload: CentrifugeJSON.publicationPush(self.publication))
        case .jsonRPC:
            WebSocketFrame.encode(.text, payload: JSONRPC.publication(self.publication))
        case .eventStreamChunked:
            ChunkedEncoding.chunk(self.event())
        case .eventStream:
            self.event()
        }
    }

    private func event() -> [UInt8] {
        EventStreamEncoder.event(data: EventStreamBody.publication(self.publication))
    }
}
