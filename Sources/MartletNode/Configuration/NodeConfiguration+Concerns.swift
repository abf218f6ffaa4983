// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What works, and yet should not stay so.
extension NodeConfiguration {
    /// HS256 wants as many bytes as its hash has (RFC 7518, section 3.2): a shorter secret can be guessed from a token.
    private static let secretBytesMin = 32

    /// One sentence each, which says what to do. Raises the process' descriptor limit, as a node does.
    package var concerns: [String] {
        [ConnectionCapacity.here(self).concern, self.secretConcern].compactMap { $0 }
    }

    private var secretConcern: String? {
        guard let secret = self.auth.hmacSecret, secret.utf8.count < Self.secretBytesMin else { return nil }
        return """
            auth.hmac_secret has \(secret.utf8.count) bytes, which can be guessed by whoever has one token: take \
            \(Self.secretBytesMin) random ones or more (head -c 32 /dev/urandom | base64).
            """
    }
}
