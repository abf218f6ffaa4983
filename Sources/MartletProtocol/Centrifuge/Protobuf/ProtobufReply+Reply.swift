// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import MartletCore

extension ProtobufReply {
    init(_ reply: CentrifugeReply) {
        self.init()
        switch reply {
        case .connect(let result): self.connect = ProtobufConnectResult(result)
        case .subscribe(let result): self.subscribe = ProtobufSubscribeResult(result)
        // A result is there even where it has nothing to say: it tells what the reply is to.
        case .unsubscribe: self.unsubscribe = ProtobufUnsubscribeResult()
        case .publish: self.publish = ProtobufPublishResult()
        case .ping: self.ping = ProtobufPingResult()
        case .presence(let clients):
            self.presence.presence = clients.mapValues(ProtobufClientInfo.init)
        case .presenceStats(let clients, let users):
            self.presenceStats = ProtobufPresenceStatsResult()
            self.presenceStats.numClients = clients
            self.presenceStats.numUsers = users
        case .history(let publications, let top):
            self.history = ProtobufHistoryResult()
            self.history.publications = publications.map(ProtobufPublication.init)
            self.history.epoch = top.epoch
            self.history.offset = top.offset
        case .rpc(let data): self.rpc.data = Data(data ?? [])
        case .refresh(let result):
            self.refresh = ProtobufRefreshResult()
            self.refresh.client = result.client
            self.refresh.version = result.version
            self.refresh.expires = result.expiresIn != nil
            self.refresh.ttl = result.expiresIn ?? 0
        case .subRefresh(let expiresIn):
            self.subRefresh.expires = expiresIn != nil
            self.subRefresh.ttl = expiresIn ?? 0
        case .error(let code, let message, let isTemporary):
            self.error.code = code
            self.error.message = message
            self.error.temporary = isTemporary
        }
    }
}

extension ProtobufConnectResult {
    init(_ result: CentrifugeReply.ConnectResult) {
        self.init()
        self.client = result.client
        self.version = result.version
        self.expires = result.expiresIn != nil
        self.ttl = result.expiresIn ?? 0
        self.data = Data(result.data ?? [])
        self.subs = result.subscriptions.mapValues(ProtobufSubscribeResult.init)
        self.ping = result.pingInterval
        self.pong = result.wantsPong
        self.session = result.session
        self.node = result.node
    }
}

extension ProtobufSubscribeResult {
    init(_ result: CentrifugeReply.SubscribeResult) {
        self.init()
        self.expires = result.expiresIn != nil
        self.ttl = result.expiresIn ?? 0
        self.recoverable = result.recoverable
        self.epoch = result.position.epoch
        self.publications = result.publications.map(ProtobufPublication.init)
        self.recovered = result.recovered
        self.offset = result.position.offset
        self.positioned = result.positioned
        self.data = Data(result.data ?? [])
        self.wasRecovering = result.wasRecovering
        self.delta = result.delta
    }
}

extension ProtobufPublication {
    init(_ publication: Publication) {
        self.init()
        self.data = Data(publication.data)
        if let json = publication.info, let info = CentrifugeClientInfo(json.span) {
            self.info = ProtobufClientInfo(info)
        }
        self.offset = publication.offset ?? 0
        self.delta = publication.isPatch
        if let json = publication.tags {
            self.tags = Dictionary(JSONScanner.strings(json.span).map { ($0.key, $0.value) }) { $1 }
        }
    }
}

extension ProtobufClientInfo {
    init(_ info: CentrifugeClientInfo) {
        self.init()
        self.user = info.user
        self.client = info.client
        self.connInfo = Data(info.connectionInfo ?? [])
        self.chanInfo = Data(info.channelInfo ?? [])
    }
}
