// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What the server says unasked, whatever the encoding it leaves in.
package enum CentrifugePush: Equatable, Sendable {
    /// A message, a join or a leave, as a bus delivered it.
    case publication(Publication)
    case join(channel: String, CentrifugeClientInfo)
    case leave(channel: String, CentrifugeClientInfo)
    case unsubscribe(channel: String, code: UInt32, reason: String)
    case subscribe(channel: String, CentrifugeReply.SubscribeResult)
    /// The first push of a unidirectional connection.
    case connect(CentrifugeReply.ConnectResult)
    /// JSON on one line.
    case message(data: [UInt8])
    case refresh(expiresIn: UInt32?)
    /// Only where no close frame can say it.
    case disconnect(code: UInt32, reason: String, mayReconnect: Bool)

    package static func unsubscribe(channel: String, _ code: UnsubscribeCode) -> Self {
        .unsubscribe(channel: channel, code: code.code, reason: code.text)
    }

    package static func disconnect(_ notice: CloseNotice) -> Self {
        .disconnect(code: UInt32(notice.code), reason: notice.text, mayReconnect: notice.mayReconnect)
    }

    package static func disconnect(_ reason: CloseReason) -> Self { .disconnect(CloseNotice(reason)) }
}
