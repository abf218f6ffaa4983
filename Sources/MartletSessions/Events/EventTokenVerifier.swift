// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
package import MartletProtocol

/// Judges the tokens by which an identity provider says that a session has ended.
package final class EventTokenVerifier: Sendable {
    private let configuration: EventTokenConfiguration
    private let keys: KeyRing
    private let leeway: Double

    package init(_ configuration: EventTokenConfiguration, keys: KeyRing) {
        self.configuration = configuration
        self.keys = keys
        self.leeway = configuration.leeway.inSeconds
    }

    /// Judges a token that was read from a topic, on a thread of the reader's own: a strict verifier waits there for a
    /// key that may have been published since, for as long as a fetch may take, and no more often than keys are fetched.
    ///
    /// - Parameters:
    ///   - record: The token, with whitespace or quotes around it or without.
    ///   - time: When the record was written, in seconds since 1970: tokens live for minutes, topics for days.
    package func judge(record: Span<UInt8>, writtenAt time: Double) -> EventTokenVerdict {
        do throws(BadRecordReason) {
            guard record.count <= self.configuration.tokenBytesMax else { throw .tooLong }
            let parts = try self.parts(try Self.token(in: record))
            // First, as nobody waits for the key of a token that is of no use anyway.
            let claims = try self.claims(of: parts, at: time, isDelivered: false)
            var finding = self.keys.judge(parts)
            if finding == .keysNeeded, self.configuration.isStrict {
                self.keys.refreshAndBlock()
                finding = self.keys.judge(parts)
            }
            switch finding {
            case .signed: return .verified(claims)
            case .rejected(.badSignature): return .refused(.badSignature)
            case .keysNeeded where !self.configuration.isStrict:
                // The next one may find its key.
                self.keys.refreshSoon()
                return .unverified(claims)
            case .rejected(.keysUnavailable), .keysNeeded:
                return self.configuration.isStrict ? .refused(.keysUnavailable) : .unverified(claims)
            case .rejected:
                return self.configuration.isStrict ? .refused(.unknownKey) : .unverified(claims)
            }
        } catch {
            return .refused(error)
        }
    }

    /// Judges a token that was delivered here, strictly, whatever the configuration says of topics.
    ///
    /// - Parameter now: Seconds since 1970.
    package func judge(
        delivered token: String, now: Double = Clock.wall
    ) async throws(BadRecordReason) -> EventTokenClaims {
        let parts = try self.parts(token)
        var finding = self.keys.judge(parts)
        // Many providers deliver once: a key that was published a moment ago must not cost the event.
        if finding != .signed, finding != .rejected(.badSignature), self.keys.fetchesKeys {
            await self.keys.refreshWhenAllowed()
            finding = self.keys.judge(parts)
        }
        switch finding {
        case .signed: return try self.claims(of: parts, at: now, isDelivered: true)
        case .rejected(.badSignature): throw .badSignature
        case .rejected(.unknownKey): throw .unknownKey
        case .rejected, .keysNeeded: throw .keysUnavailable
        }
    }

    private func parts(_ token: String) throws(BadRecordReason) -> TokenParts {
        let parts: TokenParts
        do throws(TokenRejection) {
            parts = try TokenParts(token, bytesMax: self.configuration.tokenBytesMax)
        } catch {
            switch error {
            case .tooLong: throw .tooLong
            case .unsupportedAlgorithm: throw .unsupportedAlgorithm
            default: throw .malformed
            }
        }
        guard self.configuration.kind.admits(type: parts.type) else { throw .wrongTokenType }
        return parts
    }

    /// The claims, where nothing but their signature can be held against them.
    private func claims(
        of parts: TokenParts, at time: Double, isDelivered: Bool
    ) throws(BadRecordReason) -> EventTokenClaims {
        guard let payload = parts.payload else { throw .malformed }
        let claims = try EventTokenClaims(payload.span, self.configuration.kind)
        if let issuer = self.configuration.issuer, claims.issuer != issuer { throw .wrongIssuer }
        let audiences = self.configuration.audiences
        if !audiences.isEmpty, !claims.audiences.contains(where: audiences.contains) { throw .wrongAudience }
        if let expiresAt = claims.expiresAt {
            if time > expiresAt + self.leeway { throw .expired }
        } else if isDelivered, self.configuration.kind == .logout {
            // Back-Channel Logout, section 2.4.
            throw .missingAttribute
        }
        // In a topic it counts as of when it was written, unless that is not trusted.
        if isDelivered || self.configuration.isStrict, claims.issuedAt > time + self.leeway { throw .notYetValid }
        return claims
    }

    /// The token in a record, as tools and converters write it: as it is, on a line, or as a string of JSON.
    private static func token(in record: Span<UInt8>) throws(BadRecordReason) -> String {
        var (start, end) = (0, record.count)
        func isAround(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "\"") || byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
        }
        while start < end, isAround(record[start]) { start += 1 }
        while end > start, isAround(record[end - 1]) { end -= 1 }
        guard start < end, let text = try? UTF8Span(validating: record.extracting(start..<end)) else {
            throw .malformed
        }
        return String(copying: text)
    }
}
