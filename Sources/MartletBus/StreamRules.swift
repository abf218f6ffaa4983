// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
package import MartletHub

/// What both buses hold streams to.
package enum StreamRules {
    /// How long a publication can be repeated under its idempotency key without being published again.
    package static let idempotencyWindow: Duration = .seconds(300)
    /// The least time for which the position of a stream outlives its publications.
    package static let positionTTLMin: Duration = .seconds(86_400)

    /// Longer lives are cut to this, which all clocks can count.
    package static let ttlMax: Duration = .seconds(10 * 365 * 86_400)

    /// How long a stream that is neither published to nor read keeps its position. Afterwards it begins again, in a new
    /// epoch: an offset never comes back in the same one.
    package static func positionTTL(_ history: HistoryOptions) -> Duration {
        max(min(history.ttl, Self.ttlMax) * 10, Self.positionTTLMin)
    }

    /// What is kept of a publication: joins and leaves are not, nor is anything where there is no room or no time.
    package static func history(of publication: Publication, _ options: PublishOptions) -> HistoryOptions? {
        guard publication.kind == .message, let history = options.history else { return nil }
        return history.size > 0 && history.ttl > .zero ? history : nil
    }

    /// Names a new incarnation of a stream.
    package static func makeEpoch() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)
        let bytes = (0..<8).map { _ in letters[Int.random(in: letters.indices)] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
