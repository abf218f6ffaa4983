// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import MartletReactor
import MartletWire

/// The frames of one publication inside one shard, each encoded when the first subscriber of its format is met.
struct PublicationEncoder {
    private let publication: Publication
    private let base: Publication?
    private let deltaBytesMax: Int
    private var frames = [18 of FrameIndex?](repeating: nil)
    /// What those get who take patches: by format, in full and then as a patch. Made for the first of them.
    private var deltaFrames: [FrameIndex?] = []
    private var delta: PublicationDelta?
    /// Bytes that were gone through to make patches.
    private(set) var patchedBytes = 0

    /// - Parameters:
    ///   - base: What patches are against, where anybody takes them.
    ///   - deltaBytesMax: Of payloads beyond this no patch is made.
    init(_ publication: Publication, base: Publication? = nil, deltaBytesMax: Int = 0) {
        self.publication = publication
        self.base = base
        self.deltaBytesMax = deltaBytesMax
    }

    mutating func frame(_ format: WireFormat, in reactor: Reactor) -> FrameIndex {
        let index = Int(format.rawValue)
        if let frame = self.frames[index] { return frame }
        let frame = reactor.droppableFrame(self.encode(format))
        self.frames[index] = frame
        return frame
    }

    /// For a subscriber that takes patches.
    ///
    /// - Parameter isPatch: Whether it was given the base.
    mutating func deltaFrame(_ format: WireFormat, isPatch: Bool, in reactor: Reactor) -> FrameIndex {
        guard let encoding = format.deltaEncoding else { return self.frame(format, in: reactor) }
        if self.deltaFrames.isEmpty {
            self.deltaFrames = Array(repeating: nil, count: 2 * self.frames.count)
        }
        let index = Int(format.rawValue) * 2 + (isPatch ? 1 : 0)
        if let frame = self.deltaFrames[index] { return frame }
        var delta =
            self.delta ?? PublicationDelta(self.publication, base: self.base, bytesMax: self.deltaBytesMax)
        let frame: FrameIndex
        if isPatch {
            let patch = delta.patch(encoding)
            self.delta = delta
            self.patchedBytes += self.publication.data.count + (self.base?.data.count ?? 0)
            frame =
                patch.map { reactor.droppableFrame(PublicationEncoder($0).encode(format)) }
                ?? self.deltaFrame(format, isPatch: false, in: reactor)
        } else if encoding == .protobuf {
            frame = self.frame(format, in: reactor)
        } else {
            frame = reactor.droppableFrame(PublicationEncoder(delta.full(encoding)).encode(format))
        }
        self.deltaFrames[index] = frame
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
