// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// Writes invalidations as `InvalidationDecoder` reads them.
package enum InvalidationEncoder {
    package static func martlet(_ invalidation: Invalidation) -> [UInt8] {
        var writer = JSONWriter(capacity: 192)
        writer.beginObject()
        writer.member("id", invalidation.id)
        switch invalidation.target {
        case .session(let session):
            writer.member("type", "session.revoked")
            writer.member("session", session)
        case .user(let user, let before):
            writer.member("type", "user.revoked")
            writer.member("user", user)
            writer.member("before", before)
        case .token(let token):
            writer.member("type", "token.revoked")
            writer.member("token", token)
        case .claim(let name, let value, let before):
            writer.member("type", "claim.revoked")
            writer.key("claim")
            writer.beginObject()
            writer.member("name", name)
            writer.member("value", value)
            writer.endObject()
            writer.member("before", before)
        }
        writer.member("at", invalidation.at)
        writer.member("reason", ifAny: invalidation.reason)
        // So that the connections are told everywhere what they are told here.
        if invalidation.source == .pull { writer.member("source", invalidation.source.rawValue) }
        writer.endObject()
        return writer.bytes
    }
}
