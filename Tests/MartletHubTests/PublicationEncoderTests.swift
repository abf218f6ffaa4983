// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import MartletReactor
import Testing

@testable import MartletHub

@Suite("Encoding a publication")
struct PublicationEncoderTests {
    @Test func eachFormatIsEncodedOnce() throws {
        var settings = ReactorConfiguration()
        settings.slotCapacity = 16
        let reactor = try Reactor(configuration: settings, shared: ReactorShared())
        let info = #"{"user":"u","client":"c"}"#
        var encoder = PublicationEncoder(
            Publication(channel: "a", data: Array(#"{"n":1}"#.utf8), info: Array(info.utf8)))
        for format in WireFormat.allCases {
            let frame = encoder.frame(format, in: reactor)
            #expect(encoder.frame(format, in: reactor) == frame)
        }
        #expect(reactor.liveFrameCount == WireFormat.allCases.count)
    }

    @Test func bytes() {
        let encoder = PublicationEncoder(Publication(channel: "a", data: Array("1".utf8)))
        func text(_ format: WireFormat) -> String {
            String(decoding: encoder.encode(format).drop { $0 > 127 }, as: UTF8.self)
        }
        let push = #"{"push":{"channel":"a","pub":{"data":1}}}"#
        #expect(text(.centrifugeJSON) == "\(Character(UnicodeScalar(UInt8(push.utf8.count))))" + push)
        let notification = #"{"jsonrpc":"2.0","method":"publication","params":{"channel":"a","data":1}}"#
        #expect(text(.jsonRPC) == "\(Character(UnicodeScalar(UInt8(notification.utf8.count))))" + notification)
        #expect(text(.eventStream) == "data: {\"channel\":\"a\",\"data\":1}\n\n")
        #expect(text(.eventStreamChunked) == "20\r\ndata: {\"channel\":\"a\",\"data\":1}\n\n\r\n")
        // Without a position there is no id to come.
        #expect(text(.openEventStream) == text(.eventStream))
    }

    @Test func idsOfEvents() {
        var publication = Publication(channel: "a", data: Array("1".utf8), offset: 7)
        publication.epoch = "e"
        let encoder = PublicationEncoder(publication)
        let id = EventID.encode([StreamPosition(offset: 7, epoch: "e")], of: ["a"])
        let data = #"data: {"channel":"a","data":1,"offset":7,"epoch":"e"}"#
        #expect(String(decoding: encoder.encode(.eventStream), as: UTF8.self) == "id: \(id)\n\(data)\n\n")
        // Who has several channels puts an id of its own behind it.
        #expect(String(decoding: encoder.encode(.openEventStream), as: UTF8.self) == "\(data)\n")
    }
}
