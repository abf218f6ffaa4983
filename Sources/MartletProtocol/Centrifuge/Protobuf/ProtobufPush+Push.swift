// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import MartletCore

extension ProtobufPush {
    init(_ push: CentrifugePush) {
        self.init()
        switch push {
        case .publication(let publication):
            self.channel = publication.channel
            let message = ProtobufPublication(publication)
            switch publication.kind {
            case .message: self.pub = message
            case .join: self.join.info = message.info
            case .leave: self.leave.info = message.info
            }
        case .join(let channel, let info):
            self.channel = channel
            self.join.info = ProtobufClientInfo(info)
        case .leave(let channel, let info):
            self.channel = channel
            self.leave.info = ProtobufClientInfo(info)
        case .unsubscribe(let channel, let code, let reason):
            self.channel = channel
            self.unsubscribe.code = code
            self.unsubscribe.reason = reason
        case .subscribe(let channel, let result):
            self.channel = channel
            self.subscribe = ProtobufSubscribe(result)
        case .connect(let result): self.connect = ProtobufConnect(result)
        case .message(let data): self.message.data = Data(data)
        case .refresh(let expiresIn):
            self.refresh.expires = expiresIn != nil
            self.refresh.ttl = expiresIn ?? 0
        case .disconnect(let code, let reason, let mayReconnect):
            self.disconnect.code = code
            self.disconnect.reason = reason
            self.disconnect.reconnect = mayReconnect
        }
    }
}

extension ProtobufSubscribe {
    init(_ result: CentrifugeReply.SubscribeResult) {
        self.init()
        self.recoverable = result.recoverable
        self.epoch = result.position.epoch
        self.offset = result.position.offset
        self.positioned = result.positioned
        self.data = Data(result.data ?? [])
    }
}

extension ProtobufConnect {
    init(_ result: CentrifugeReply.ConnectResult) {
        self.init()
        self.client = result.client
        self.version = result.version
        self.data = Data(result.data ?? [])
        self.subs = result.subscriptions.mapValues(ProtobufSubscribeResult.init)
        self.expires = result.expiresIn != nil
        self.ttl = result.expiresIn ?? 0
        self.ping = result.pingInterval
        self.pong = result.wantsPong
        self.session = result.session
        self.node = result.node
    }
}
