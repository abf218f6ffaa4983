// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import martlet_load

@Suite("Tokens of the load tool")
struct TokenMintTests {
    @Test("Names have the lengths that memory is measured with")
    func lengths() {
        #expect(TokenMint.user(7) == "user-00000000007")
        #expect(TokenMint.user(7).utf8.count == 16)
        #expect(TokenMint.session(18_999).utf8.count == 22)
    }

    @Test("A token is three parts in the URL alphabet, the same each time")
    func token() {
        let mint = TokenMint(secret: "secret", issuedAt: 1_767_225_600, lifetime: 60)
        let token = mint.token(user: 1, session: 2)
        #expect(token.split(separator: ".").count == 3)
        #expect(token.hasPrefix("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."))
        #expect(!token.contains { "+/=".contains($0) })
        #expect(token == mint.token(user: 1, session: 2))
    }

    @Test("A claim is in the token as it was given")
    func claim() throws {
        let mint = TokenMint(secret: "secret", issuedAt: 1_767_225_600, lifetime: 60, claim: "org=acme")
        let part = String(mint.token(user: 1, session: 2).split(separator: ".")[1])
        let padded = part + String(repeating: "=", count: (4 - part.count % 4) % 4)
        let body = try #require(Data(base64Encoded: padded))
        let claims = try JSONDecoder().decode([String: Claim].self, from: body)
        #expect(claims["org"] == .text("acme"))
        #expect(claims["exp"] == .number(1_767_225_660))
    }

    private enum Claim: Decodable, Equatable {
        case text(String)
        case number(Int64)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let text = try? value.decode(String.self) {
                self = .text(text)
            } else {
                self = .number(try value.decode(Int64.self))
            }
        }
    }

    @Test("Shares differ by one at most and make up the whole")
    func shares() {
        #expect(Share.sizes(of: 10, in: 3) == [4, 3, 3])
        #expect(Share.sizes(of: 0, in: 2) == [0, 0])
    }
}
