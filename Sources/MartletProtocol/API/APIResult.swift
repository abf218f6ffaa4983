// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a method of the API answers where it did what it was asked.
package enum APIResult: Equatable, Sendable {
    /// With the position the publication got, nil where the channel has no history.
    case publish(StreamPosition?)
    /// The same for each channel, in the request's order.
    case broadcast([Result<StreamPosition?, APIError>])
    /// Done, with nothing more to say.
    case done
    /// What every node was asked to do.
    case reached(NodeReach)
    /// The JSON of each `ClientInfo`, by client.
    case presence([String: [UInt8]])
    case presenceStats(clients: Int, users: Int)
    case history([Publication], top: StreamPosition)
    /// Subscribers by channel.
    case channels([String: Int], NodeReach)
    case connections([ConnectionInfo], NodeReach)
    case info([NodeInfo], NodeReach)
    /// JSON on one line, or nil.
    case rpc([UInt8]?)
    case revoked(RevocationReceipt)
    case drain(DrainStatus)
    case revocation(RevocationStatus)
    case explained(SessionExplanation)

    /// Set where the result is only a part of what was asked for.
    package var error: APIError? {
        switch self {
        case .reached(let reach), .channels(_, let reach), .connections(_, let reach): reach.error
        // Which nodes are silent is what one asks for.
        case .publish, .broadcast, .done, .presence, .presenceStats, .history, .info, .rpc, .revoked, .drain,
            .revocation, .explained:
            nil
        }
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        switch self {
        case .publish(let position): Self.write(position, to: &writer)
        case .broadcast(let outcomes): Self.write(outcomes, to: &writer)
        case .done: break
        case .reached(let reach): reach.write(to: &writer)
        case .presence(let clients): Self.write(presence: clients, to: &writer)
        case .presenceStats(let clients, let users):
            writer.member("num_clients", Int64(clients))
            writer.member("num_users", Int64(users))
        case .history(let publications, let top):
            writer.key("publications")
            writer.beginArray()
            for publication in publications { Self.write(publication, to: &writer) }
            writer.endArray()
            writer.member("epoch", top.epoch)
            writer.member("offset", top.offset)
        case .channels(let channels, let reach):
            Self.write(channels: channels, to: &writer)
            reach.write(to: &writer)
        case .connections(let connections, let reach):
            writer.key("connections")
            writer.beginObject()
            for connection in connections {
                writer.key(connection.client)
                connection.write(to: &writer)
            }
            writer.endObject()
            reach.write(to: &writer)
        case .info(let nodes, let reach):
            writer.key("nodes")
            writer.beginArray()
            for node in nodes { node.write(to: &writer) }
            writer.endArray()
            reach.writeUnanswered(to: &writer)
        case .rpc(let data): writer.member("data", ifAny: data)
        case .revoked(let receipt): receipt.write(to: &writer)
        case .drain(let status): status.writeMembers(to: &writer)
        case .revocation(let status): status.write(to: &writer)
        case .explained(let explanation): explanation.write(to: &writer)
        }
        writer.endObject()
    }

    /// Nothing where the channel has no history, as Centrifugo leaves out zeros.
    private static func write(_ position: StreamPosition?, to writer: inout JSONWriter) {
        writer.member("offset", ifNotZero: position?.offset ?? 0)
        writer.member("epoch", ifAny: position?.epoch)
    }

    private static func write(_ outcomes: [Result<StreamPosition?, APIError>], to writer: inout JSONWriter) {
        writer.key("responses")
        writer.beginArray()
        for outcome in outcomes {
            writer.beginObject()
            switch outcome {
            case .success(let position):
                writer.key("result")
                writer.beginObject()
                self.write(position, to: &writer)
                writer.endObject()
            case .failure(let error): error.write(to: &writer)
            }
            writer.endObject()
        }
        writer.endArray()
    }

    private static func write(presence clients: [String: [UInt8]], to writer: inout JSONWriter) {
        writer.key("presence")
        writer.beginObject()
        for (client, info) in clients.sorted(by: { $0.key < $1.key }) { writer.member(client, raw: info) }
        writer.endObject()
    }

    private static func write(_ publication: Publication, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("data", raw: publication.json)
        writer.member("info", ifAny: publication.info)
        writer.member("offset", ifNotZero: publication.offset ?? 0)
        writer.member("tags", ifAny: publication.tags)
        writer.endObject()
    }

    private static func write(channels: [String: Int], to writer: inout JSONWriter) {
        writer.key("channels")
        writer.beginObject()
        for (channel, subscribers) in channels.sorted(by: { $0.key < $1.key }) {
            writer.key(channel)
            writer.beginObject()
            writer.member("num_clients", Int64(subscribers))
            writer.endObject()
        }
        writer.endObject()
    }
}
