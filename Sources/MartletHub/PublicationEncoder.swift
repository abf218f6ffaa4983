// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import MartletReactor
import MartletWire

/// The frames of one publication inside one shard, each encoded when the first subscriber of its format is met.
struct PublicationEncoder {
    private let publication: Publication
    private var frames = [18 of FrameIndex?](repeating: nil)

    init(_ publication: Publication) { self.publication = publication }

    mutating func frame(_ format: WireFormat, in reactor: Reactor) -> FrameIndex {
        let index = Int(format.rawValue)
        if let frame = self.frames[index] { return frame }
        let frame = reactor.droppableFrame(self.encode(format))
        self.frames[index] = frame
        return frame
    }

    /// Whether events were left open, for each connection to end with an id of its own.
    var leavesOpen: Bool {
        self.publication.offset != nil
            && (self.frames[Int(WireFormat.openEventStream.rawValue)] != nil
                || self.frames[Int(WireFormat.openEventStreamChunked.rawValue)] != nil)
    }

    func encode(_ format: WireFormat) -> [UInt8] {
        guard let position = self.publication.position else { return format.frame(self.message(format)) }
        let channel = self.publication.channel
        switch format {
        case .eventStream: return self.event(id: EventID.encode([position], of: [channel]))
        case .eventStreamChunked:
            return ChunkedEncoding.chunk(self.event(id: EventID.encode([position], of: [channel])))
        case .openEventStream: return self.event(id: nil)
        case .openEventStreamChunked: return ChunkedEncoding.chunk(self.event(id: nil))
        default: return format.frame(self.message(format))
        }
    }

    private func event(id: String?) -> [UInt8] {
        EventStreamEncoder.event(
            id: id, data: EventStreamBody.publication(self.publication), isComplete: id != nil)
    }

    private func message(_ format: WireFormat) -> [UInt8] {
        switch format {
        case .centrifugeJSON, .sse, .sseChunked, .httpStream, .httpStreamChunked:
            CentrifugeJSON.publicationPush(self.publication)
        case .centrifugeProtobuf, .httpStreamProtobuf, .httpStreamProtobufChunked:
            CentrifugeProtobuf.publicationPush(self.publication)
        case .uniWebSocket, .uniSSE, .uniSSEChunked, .uniHTTPStream, .uniHTTPStreamChunked:
            CentrifugeJSON.barePublicationPush(self.publication)
        case .jsonRPC: JSONRPC.publication(self.publication)
        case .eventStream, .eventStreamChunked, .openEventStream, .openEventStreamChunked:
            EventStreamBody.publication(self.publication)
        }
    }
}
