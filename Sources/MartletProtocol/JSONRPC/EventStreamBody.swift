// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// The `data:` of the events that a bare `EventSource` gets on `/events`.
///
/// A publication is an event of the default type, so that `onmessage` hears it: one JSON object with `channel` and
/// `data`, and where there are any `info` and `offset`, whether the request named one channel or several. What is not
/// a message has a type of its own: `gap` with `{"channel"}` and `disconnect` with `{"code","reason","reconnect"}`,
/// after which the stream ends.
package enum EventStreamBody {
    package static let gapEvent = "gap"
    package static let disconnectEvent = "disconnect"

    package static func publication(_ publication: Publication) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(PlainBody.capacity(of: publication))
        PlainBody.append(publication, to: &bytes)
        return bytes
    }

    package static func gap(channel: String) -> [UInt8] { PlainBody.gap(channel: channel) }

    package static func disconnect(_ notice: CloseNotice) -> [UInt8] { PlainBody.disconnect(notice) }
}
