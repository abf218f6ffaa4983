// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Who a connection is, as others in a channel see it.
package struct CentrifugeClientInfo: Equatable, Sendable {
    package var user: String
    package var client: String
    /// JSON on one line, or nil.
    package var connectionInfo: [UInt8]?
    package var channelInfo: [UInt8]?

    package init(user: String, client: String, connectionInfo: [UInt8]? = nil, channelInfo: [UInt8]? = nil) {
        self.user = user
        self.client = client
        self.connectionInfo = connectionInfo
        self.channelInfo = channelInfo
    }

    /// Reads what `json` says; nil for anything else.
    package init?(_ json: Span<UInt8>) {
        guard let document = JSONScanner.unvalidatedObject(json) else { return nil }
        self.init(user: "", client: "")
        var members = document.members
        do throws(MalformedField) {
            while let member = members.next(in: json) {
                switch member.name(in: json) {
                case "user": self.user = try member.value.text(json)
                case "client": self.client = try member.value.text(json)
                case "conn_info": self.connectionInfo = member.value.embedded(json)
                case "chan_info": self.channelInfo = member.value.embedded(json)
                default: break
                }
            }
        } catch {
            return nil
        }
        if members.isMalformed { return nil }
    }

    /// What `Publication.info` holds.
    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 96 + (self.connectionInfo?.count ?? 0) + (self.channelInfo?.count ?? 0))
        self.write(to: &writer)
        return writer.bytes
    }

    /// Both names are always there, the other fields only with a value.
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("user", self.user)
        writer.member("client", self.client)
        writer.member("conn_info", ifAny: self.connectionInfo)
        writer.member("chan_info", ifAny: self.channelInfo)
        writer.endObject()
    }
}
