// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// The bodies that plain clients get, the same in a notification of `/ws` and in an event of `/events`.
enum PlainBody {
    /// Room for what `append` writes, unless a name needs escapes.
    static func capacity(of publication: Publication) -> Int {
        96 + publication.channel.utf8.count + publication.data.count + (publication.info?.count ?? 0)
            + (publication.tags?.count ?? 0)
    }

    static func append(_ publication: Publication, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: #"{"channel":"#.utf8)
        JSONEscapes.append(publication.channel, to: &bytes)
        bytes.append(UInt8(ascii: ","))
        self.appendContent(of: publication, to: &bytes)
        if !publication.epoch.isEmpty {
            bytes.append(contentsOf: #","epoch":"#.utf8)
            JSONEscapes.append(publication.epoch, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// As in a list of publications of one channel.
    static func listed(_ publication: Publication) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.capacity(of: publication))
        bytes.append(UInt8(ascii: "{"))
        self.appendContent(of: publication, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private static func appendContent(of publication: Publication, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: #""data":"#.utf8)
        bytes.append(contentsOf: publication.json)
        if let info = publication.info, !info.isEmpty {
            bytes.append(contentsOf: #","info":"#.utf8)
            bytes.append(contentsOf: info)
        }
        if let tags = publication.tags, !tags.isEmpty {
            bytes.append(contentsOf: #","tags":"#.utf8)
            bytes.append(contentsOf: tags)
        }
        if let offset = publication.offset {
            bytes.append(contentsOf: #","offset":"#.utf8)
            bytes.append(decimal: offset)
        }
    }

    static func gap(channel: String) -> [UInt8] {
        var writer = JSONWriter(capacity: 16 + channel.utf8.count)
        writer.beginObject()
        writer.member("channel", channel)
        writer.endObject()
        return writer.bytes
    }

    static func disconnect(_ notice: CloseNotice) -> [UInt8] {
        var writer = JSONWriter(capacity: 96)
        writer.beginObject()
        writer.member("code", UInt64(notice.code))
        writer.member("reason", notice.text)
        writer.member("reconnect", notice.mayReconnect)
        writer.endObject()
        return writer.bytes
    }
}
