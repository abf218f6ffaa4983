// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a client of the Centrifuge protocol asks for, whatever the encoding it came in.
package struct CentrifugeCommand: Equatable, Sendable {
    package enum Request: Equatable, Sendable {
        case connect(ConnectRequest)
        case ping
        case subscribe(SubscribeRequest)
        case unsubscribe(channel: String)
        /// `data` is JSON on one line, never empty: a command without any is malformed.
        case publish(channel: String, data: [UInt8])
        /// The same as bytes that nobody has looked at, which only Protobuf lets a client say.
        case publishBytes(channel: String, data: [UInt8])
        case presence(channel: String)
        case presenceStats(channel: String)
        case history(HistoryRequest)
        /// `data` is JSON on one line; empty where the client sent none.
        case rpc(method: String, data: [UInt8])
        case send(data: [UInt8])
        case refresh(token: String)
        case subRefresh(SubRefreshRequest)
        /// The empty command: the answer to a ping.
        case pong
        /// Data that is not JSON, which only Protobuf lets a client say: answered with `badRequest`.
        case invalidPayload
        /// An id with no request that this version knows.
        case unknown
    }

    /// Above zero for whatever wants a reply.
    package var id: UInt32
    package var request: Request

    package init(id: UInt32, request: Request) {
        self.id = id
        self.request = request
    }
}

extension CentrifugeCommand {
    package struct ConnectRequest: Equatable, Sendable {
        package var token = ""
        /// JSON on one line, or nil.
        package var data: [UInt8]?
        /// Server-side subscriptions that the client wants recovered, by channel.
        package var subscriptions: [String: SubscribeRequest] = [:]
        package var name = ""
        package var version = ""

        package init() {}
    }

    package struct SubscribeRequest: Equatable, Sendable {
        package var channel = ""
        package var token = ""
        package var recover = false
        package var epoch = ""
        package var offset: UInt64 = 0
        /// JSON on one line, or nil.
        package var data: [UInt8]?
        package var positioned = false
        package var recoverable = false
        package var joinLeave = false
        package var delta = ""
        /// Bit 2: refuse with 112 rather than subscribe without recovery.
        package var flags: Int64 = 0
        /// 0 is a stream, the only kind served.
        package var type: Int32 = 0

        package init() {}
    }

    package struct HistoryRequest: Equatable, Sendable {
        package var channel = ""
        package var limit: Int32 = 0
        package var since: StreamPosition?
        package var reverse = false

        package init() {}
    }

    package struct SubRefreshRequest: Equatable, Sendable {
        package var channel = ""
        package var token = ""
        /// 0 refreshes; the other kinds are not served.
        package var type: Int32 = 0

        package init() {}
    }
}
