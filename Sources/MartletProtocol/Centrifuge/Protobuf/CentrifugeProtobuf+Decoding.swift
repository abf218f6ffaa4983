// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import MartletCore
import SwiftProtobuf

extension CentrifugeProtobuf {
    private typealias Request = CentrifugeCommand.Request

    /// A payload is not JSON.
    private struct InvalidPayload: Error {}

    /// Unknown fields are not kept; messages nest three deep, so that hostile ones find no stack to climb.
    private static func decode<Decoded: Message>(_ message: Span<UInt8>) -> Decoded? {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        options.messageDepthLimit = 8
        return try? Decoded(serializedBytes: [UInt8](copying: message), options: options)
    }

    /// One command, without its length; nil where it is malformed.
    package static func command(_ message: Span<UInt8>) -> CentrifugeCommand? {
        if message.isEmpty { return CentrifugeCommand(id: 0, request: .pong) }
        guard let command: ProtobufCommand = self.decode(message) else { return nil }
        do throws(InvalidPayload) {
            guard let request = try self.request(of: command) else { return nil }
            return CentrifugeCommand(id: command.id, request: request)
        } catch {
            return CentrifugeCommand(id: command.id, request: .invalidPayload)
        }
    }

    /// Commands of a client that cannot write on its connection; nil where the request is malformed.
    package static func emulationRequest(_ message: Span<UInt8>) -> EmulationRequest? {
        guard let decoded: ProtobufEmulationRequest = self.decode(message) else { return nil }
        var request = EmulationRequest()
        request.node = decoded.node
        request.session = decoded.session
        request.data = Array(decoded.data)
        return request
    }

    /// The first request found in the order in which they are served; nil where it is malformed.
    private static func request(of command: ProtobufCommand) throws(InvalidPayload) -> Request? {
        if command.hasConnect { return .connect(try self.connectRequest(command.connect)) }
        if command.hasPing { return .ping }
        if command.hasSubscribe { return .subscribe(try self.subscribeRequest(command.subscribe)) }
        if command.hasUnsubscribe { return .unsubscribe(channel: command.unsubscribe.channel) }
        if command.hasPublish {
            // What it must be is for the channel to say.
            guard !command.publish.data.isEmpty else { return nil }
            return .publishBytes(channel: command.publish.channel, data: Array(command.publish.data))
        }
        if command.hasPresence { return .presence(channel: command.presence.channel) }
        if command.hasPresenceStats { return .presenceStats(channel: command.presenceStats.channel) }
        if command.hasHistory { return .history(self.historyRequest(command.history)) }
        if command.hasRpc { return .rpc(method: command.rpc.method, data: try self.payload(command.rpc.data) ?? []) }
        if command.hasSend { return .send(data: try self.payload(command.send.data) ?? []) }
        if command.hasRefresh { return .refresh(token: command.refresh.token) }
        if command.hasSubRefresh {
            var request = CentrifugeCommand.SubRefreshRequest()
            request.channel = command.subRefresh.channel
            request.token = command.subRefresh.token
            request.type = command.subRefresh.type
            return .subRefresh(request)
        }
        return command.id == 0 ? .pong : .unknown
    }

    /// JSON on one line; nil where there is none.
    private static func payload(_ data: Data) throws(InvalidPayload) -> [UInt8]? {
        if data.isEmpty { return nil }
        guard let json = Payload.json(data.span) else { throw InvalidPayload() }
        return json
    }

    private static func connectRequest(
        _ message: ProtobufConnectRequest
    ) throws(InvalidPayload) -> CentrifugeCommand.ConnectRequest {
        var request = CentrifugeCommand.ConnectRequest()
        request.token = message.token
        request.data = try self.payload(message.data)
        request.name = message.name
        request.version = message.version
        for (channel, subscription) in message.subs {
            var subscription = try self.subscribeRequest(subscription)
            subscription.channel = channel
            request.subscriptions[channel] = subscription
        }
        return request
    }

    private static func subscribeRequest(
        _ message: ProtobufSubscribeRequest
    ) throws(InvalidPayload) -> CentrifugeCommand.SubscribeRequest {
        var request = CentrifugeCommand.SubscribeRequest()
        request.channel = message.channel
        request.token = message.token
        request.recover = message.recover
        request.epoch = message.epoch
        request.offset = message.offset
        request.data = try self.payload(message.data)
        request.positioned = message.positioned
        request.recoverable = message.recoverable
        request.joinLeave = message.joinLeave
        request.delta = message.delta
        request.flags = message.flag
        request.type = message.type
        return request
    }

    private static func historyRequest(_ message: ProtobufHistoryRequest) -> CentrifugeCommand.HistoryRequest {
        var request = CentrifugeCommand.HistoryRequest()
        request.channel = message.channel
        request.limit = message.limit
        request.reverse = message.reverse
        if message.hasSince { request.since = StreamPosition(offset: message.since.offset, epoch: message.since.epoch) }
        return request
    }
}
