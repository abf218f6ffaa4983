// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MartletCore
import MartletNode
import MartletProtocol
import MartletSessions

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Sign a connection token (HS256) with the configured auth.hmac_secret.",
        discussion: "For trying things out; tokens of users are signed by whoever logs them in.")

    @OptionGroup var source: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "The user (sub).")
    var user: String

    @Option(help: "The session (sid); random where none is given.")
    var session: String?

    @Option(name: .customLong("id"), help: "The token's own name (jti); random where none is given.")
    var identifier: String?

    @Option(name: .customLong("ttl"), help: ArgumentHelp("How long it is valid.", valueName: "duration"))
    var lifetime = "1h"

    @Option(name: .customLong("channel"), help: "A channel it subscribes to; may be given again.")
    var channels: [String] = []

    @Option(
        name: .customLong("claim"), help: ArgumentHelp("A further claim; may be given again.", valueName: "name=value"))
    var claims: [ConfigurationOptions.Setting] = []

    @Option(help: ArgumentHelp("What other users may see of this one.", valueName: "json"))
    var info: String?

    private struct Answer: Encodable {
        let token: String
        let user: String
        let session: String
        let id: String
        let expiresAt: Int64
    }

    func validate() throws {
        guard DurationText.parse(self.lifetime) != nil else {
            throw ValidationError("--ttl must be a duration such as 10s, 5m or 1h30m")
        }
        guard self.info.map({ JSONScanner.document(Array($0.utf8).span) != nil }) ?? true else {
            throw ValidationError("--info must be JSON")
        }
    }

    func run() async throws {
        try await self.output.reporting {
            guard let secret = try self.source.read(forNode: false).auth.hmacSecret else {
                throw Failure(
                    .configuration, "auth.hmac_secret is missing",
                    advice: "Set it as for the node: in the file of --config, or as MARTLET_AUTH_HMAC_SECRET.")
            }
            let now = Int64(Clock.wall)
            let expiry = now + (DurationText.parse(self.lifetime)?.components.seconds ?? 0)
            let session = self.session ?? Self.randomName()
            let identifier = self.identifier ?? Self.randomName()
            let token = TokenIssuer(secret: secret).token(
                for: Identity(
                    user: self.user, session: session, token: identifier, issuedAt: now, expiresAt: expiry,
                    claims: self.claims.map { Identity.Claim(name: $0.key, value: $0.value) },
                    channels: self.channels, info: self.info.map { Array($0.utf8) }))
            try self.output.print(
                token,
                Answer(token: token, user: self.user, session: session, id: identifier, expiresAt: expiry))
        }
    }

    private static func randomName() -> String { UUID().uuidString.lowercased() }
}
