// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Logging
import MartletCore
import MartletInstruments
import MartletProtocol

@testable import MartletSessions

extension TokenVerdict {
    var identity: Identity? { if case .verified(let identity) = self { identity } else { nil } }
    var rejection: TokenRejection? { if case .rejected(let rejection) = self { rejection } else { nil } }
    var needsKeys: Bool { if case .keysNeeded = self { true } else { false } }
}

extension TokenVerifier {
    convenience init(_ configuration: TokenVerifierConfiguration) throws {
        try self.init(
            configuration, metrics: SessionMetrics(MetricsRegistry()), logger: Logger(label: "test"))
    }
}

/// A token put together by hand, for headers and payloads that no library would write.
func handmade(_ header: String, _ payload: String, secret: String = TestSigner.secret) -> String {
    let message = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(payload.utf8))
    let key = SymmetricKey(data: Array(secret.utf8))
    let code = HMAC<SHA256>.authenticationCode(for: Array(message.utf8), using: key)
    return message + "." + Base64URL.encode(Array(code))
}
