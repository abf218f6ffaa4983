// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension InvalidationDecoder {
    /// The invalidation that the claims of a token say, dated when it was issued, so that replaying it does no harm.
    ///
    /// - Parameters:
    ///   - recordTime: The record's own time, where the log keeps one.
    ///   - receivedAt: The time now, on `Clock.wall`.
    ///   - place: What names the record for ever.
    package func token(
        _ claims: EventTokenClaims, recordTime: RecordTime? = nil, receivedAt: Double, place: String
    ) -> InvalidationOutcome {
        guard let target = claims.target else { return .foreign }
        let times = Times(recordTime: recordTime, receivedAt: receivedAt)
        var isClamped = false
        let at = InvalidationTime.clamp(claims.issuedAt, after: times.latest, to: times.recordedAt, &isClamped)
        let ended: Invalidation.Target =
            switch target {
            case .session(let session): .session(session)
            case .token(let token): .token(token)
            case .user(let user): .user(user, before: Int64(at.rounded(.down)))
            }
        let invalidation = Invalidation(id: claims.id ?? place, target: ended, at: at, source: self.source)
        return .decoded(DecodedInvalidation(invalidation, isClamped: isClamped))
    }
}
