// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension CentrifugeJSON {
    static func write(_ reply: CentrifugeReply, id: UInt32, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", ifNotZero: UInt64(id))
        switch reply {
        case .connect(let result):
            writer.key("connect")
            self.write(result, to: &writer)
        case .subscribe(let result):
            writer.key("subscribe")
            self.write(result, to: &writer)
        case .unsubscribe: self.writeEmpty("unsubscribe", to: &writer)
        case .publish: self.writeEmpty("publish", to: &writer)
        case .ping: self.writeEmpty("ping", to: &writer)
        case .presence(let clients): self.write(presence: clients, to: &writer)
        case .presenceStats(let clients, let users):
            writer.key("presence_stats")
            writer.beginObject()
            writer.member("num_clients", clients)
            writer.member("num_users", users)
            writer.endObject()
        case .history(let publications, let top):
            writer.key("history")
            writer.beginObject()
            writer.key("publications")
            self.write(publications, to: &writer)
            writer.member("epoch", top.epoch)
            writer.member("offset", top.offset)
            writer.endObject()
        case .rpc(let data):
            writer.key("rpc")
            writer.beginObject()
            writer.member("data", ifAny: data)
            writer.endObject()
        case .refresh(let result):
            writer.key("refresh")
            writer.beginObject()
            writer.member("client", ifAny: result.client)
            writer.member("version", ifAny: result.version)
            self.write(expiresIn: result.expiresIn, to: &writer)
            writer.endObject()
        case .subRefresh(let expiresIn):
            writer.key("sub_refresh")
            writer.beginObject()
            self.write(expiresIn: expiresIn, to: &writer)
            writer.endObject()
        case .error(let code, let message, let isTemporary):
            writer.key("error")
            writer.beginObject()
            writer.member("code", code)
            writer.member("message", message)
            writer.member("temporary", ifTrue: isTemporary)
            writer.endObject()
        }
        writer.endObject()
    }

    /// A push by itself, as unidirectional transports send it; others put it into a reply.
    static func write(_ push: CentrifugePush, to writer: inout JSONWriter) {
        if case .publication(let publication) = push { return writer.raw(self.barePublicationPush(publication)) }
        writer.beginObject()
        switch push {
        case .publication: break
        case .join(let channel, let info):
            self.write("join", channel, info, to: &writer)
        case .leave(let channel, let info):
            self.write("leave", channel, info, to: &writer)
        case .unsubscribe(let channel, let code, let reason):
            writer.member("channel", channel)
            writer.key("unsubscribe")
            writer.beginObject()
            // Both are always there: a client reads them without asking.
            writer.member("code", code)
            writer.member("reason", reason)
            writer.endObject()
        case .subscribe(let channel, let result):
            writer.member("channel", channel)
            writer.key("subscribe")
            writer.beginObject()
            writer.member("recoverable", ifTrue: result.recoverable)
            writer.member("epoch", ifAny: result.position.epoch)
            writer.member("offset", ifNotZero: result.position.offset)
            writer.member("positioned", ifTrue: result.positioned)
            writer.member("data", ifAny: result.data)
            writer.endObject()
        case .connect(let result):
            writer.key("connect")
            self.write(result, to: &writer)
        case .message(let data):
            writer.key("message")
            writer.beginObject()
            writer.member("data", ifAny: data)
            writer.endObject()
        case .refresh(let expiresIn):
            writer.key("refresh")
            writer.beginObject()
            self.write(expiresIn: expiresIn, to: &writer)
            writer.endObject()
        case .disconnect(let code, let reason, let mayReconnect):
            writer.key("disconnect")
            writer.beginObject()
            writer.member("code", code)
            writer.member("reason", reason)
            writer.member("reconnect", ifTrue: mayReconnect)
            writer.endObject()
        }
        writer.endObject()
    }

    private static func write(_ result: CentrifugeReply.ConnectResult, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("client", ifAny: result.client)
        writer.member("version", ifAny: result.version)
        self.write(expiresIn: result.expiresIn, to: &writer)
        writer.member("data", ifAny: result.data)
        if !result.subscriptions.isEmpty {
            writer.key("subs")
            writer.beginObject()
            for (channel, subscription) in result.subscriptions.sorted(by: { $0.key < $1.key }) {
                writer.key(channel)
                self.write(subscription, to: &writer)
            }
            writer.endObject()
        }
        writer.member("ping", ifNotZero: UInt64(result.pingInterval))
        writer.member("pong", ifTrue: result.wantsPong)
        writer.member("session", ifAny: result.session)
        writer.member("node", ifAny: result.node)
        writer.endObject()
    }

    private static func write(_ result: CentrifugeReply.SubscribeResult, to writer: inout JSONWriter) {
        writer.beginObject()
        self.write(expiresIn: result.expiresIn, to: &writer)
        writer.member("recoverable", ifTrue: result.recoverable)
        writer.member("epoch", ifAny: result.position.epoch)
        if !result.publications.isEmpty {
            writer.key("publications")
            self.write(result.publications, to: &writer)
        }
        writer.member("recovered", ifTrue: result.recovered)
        writer.member("offset", ifNotZero: result.position.offset)
        writer.member("positioned", ifTrue: result.positioned)
        writer.member("data", ifAny: result.data)
        writer.member("was_recovering", ifTrue: result.wasRecovering)
        writer.member("delta", ifTrue: result.delta)
        writer.endObject()
    }

    private static func write(_ publications: [Publication], to writer: inout JSONWriter) {
        writer.beginArray()
        for publication in publications { self.write(publication, to: &writer) }
        writer.endArray()
    }

    private static func write(_ publication: Publication, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("data", ifAny: publication.json)
        writer.member("delta", ifTrue: publication.isPatch)
        writer.member("info", ifAny: publication.info)
        writer.member("offset", ifNotZero: publication.offset ?? 0)
        writer.member("tags", ifAny: publication.tags)
        writer.endObject()
    }

    private static func write(
        _ name: String, _ channel: String, _ info: CentrifugeClientInfo, to writer: inout JSONWriter
    ) {
        writer.member("channel", channel)
        writer.key(name)
        writer.beginObject()
        writer.key("info")
        info.write(to: &writer)
        writer.endObject()
    }

    private static func write(presence clients: [String: CentrifugeClientInfo], to writer: inout JSONWriter) {
        writer.key("presence")
        writer.beginObject()
        writer.key("presence")
        writer.beginObject()
        for (client, info) in clients.sorted(by: { $0.key < $1.key }) {
            writer.key(client)
            info.write(to: &writer)
        }
        writer.endObject()
        writer.endObject()
    }

    private static func write(expiresIn: UInt32?, to writer: inout JSONWriter) {
        guard let expiresIn else { return }
        writer.member("expires", true)
        writer.member("ttl", ifNotZero: UInt64(expiresIn))
    }

    private static func writeEmpty(_ name: String, to writer: inout JSONWriter) {
        writer.key(name)
        writer.beginObject()
        writer.endObject()
    }
}
