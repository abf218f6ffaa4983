// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a node asks a back-end: the requests of Centrifugo's proxy protocol, so that a back-end that answers those can
/// answer these. Payloads are JSON on one line, as `encoding` says, but for what is published in a channel of bytes.
package struct ProxyRequest: Equatable, Sendable {
    package enum Question: Equatable, Sendable {
        case connect(Connect)
        case refresh
        case subscribe(channel: String, token: String, data: [UInt8]?)
        /// - Parameter isBinary: `data` is any bytes, which are asked about in base 64.
        case publish(channel: String, data: [UInt8], isBinary: Bool = false)
        case rpc(method: String, data: [UInt8]?)
        case subRefresh(channel: String)
    }

    package struct Connect: Equatable, Sendable {
        /// What the client calls itself, and its version.
        package var name = ""
        package var version = ""
        package var data: [UInt8]?
        /// Channels that the client asks to be subscribed to with the connect.
        package var channels: [String] = []

        package init() {}
    }

    package var client: ProxyClient
    package var question: Question

    package init(_ question: Question, client: ProxyClient) {
        self.question = question
        self.client = client
    }

    package var method: ProxyMethod {
        switch self.question {
        case .connect: .connect
        case .refresh: .refresh
        case .subscribe: .subscribe
        case .publish: .publish
        case .rpc: .rpc
        case .subRefresh: .subRefresh
        }
    }

    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.member("client", self.client.client)
        writer.member("transport", self.client.transport)
        writer.member("protocol", self.client.encoding.rawValue)
        writer.member("encoding", "json")
        if self.method != .connect { writer.member("user", self.client.user) }
        switch self.question {
        case .connect(let connect):
            writer.member("name", ifAny: connect.name)
            writer.member("version", ifAny: connect.version)
            writer.member("data", ifAny: connect.data)
            if !connect.channels.isEmpty {
                writer.key("channels")
                writer.beginArray()
                for channel in connect.channels { writer.string(channel) }
                writer.endArray()
            }
        case .refresh: break
        case .subscribe(let channel, let token, let data):
            writer.member("channel", channel)
            writer.member("token", ifAny: token)
            writer.member("data", ifAny: data)
        case .publish(let channel, let data, let isBinary):
            writer.member("channel", channel)
            writer.member(isBinary ? "b64data" : "data", raw: isBinary ? Base64.quoted(data) : data)
        case .rpc(let method, let data):
            writer.member("method", method)
            writer.member("data", ifAny: data)
        case .subRefresh(let channel): writer.member("channel", channel)
        }
        writer.member("meta", ifAny: self.client.meta)
        writer.endObject()
        return writer.bytes
    }
}
