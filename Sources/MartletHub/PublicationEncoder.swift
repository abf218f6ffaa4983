// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import MartletReactor

/// The frames of one publication inside one shard, each encoded when the first subscriber of its format is met.
struct PublicationEncoder {
    private let publication: Publication
    private var frames = [16 of FrameIndex?](repeating: nil)

    init(_ publication: Publication) { self.publication = publication }

    mutating func frame(_ format: WireFormat, in reactor: Reactor) -> FrameIndex {
        let index = Int(format.rawValue)
        if let frame = self.frames[index] { return frame }
        let frame = reactor.frame(self.encode(format))
        self.frames[index] = frame
        return frame
    }

    func encode(_ format: WireFormat) -> [UInt8] { format.frame(self.message(format)) }

    private func message(_ format: WireFormat) -> [UInt8] {
        switch format {
        case .centrifugeJSON, .sse, .sseChunked, .httpStream, .httpStreamChunked:
            CentrifugeJSON.publicationPush(self.publication)
        case .centrifugeProtobuf, .httpStreamProtobuf, .httpStreamProtobufChunked:
            CentrifugeProtobuf.publicationPush(self.publication)
        case .uniWebSocket, .uniSSE, .uniSSEChunked, .uniHTTPStream, .uniHTTPStreamChunked:
            CentrifugeJSON.barePublicationPush(self.publication)
        case .jsonRPC: JSONRPC.publication(self.publication)
        case .eventStream, .eventStreamChunked: EventStreamBody.publication(self.publication)
        }
    }
}
