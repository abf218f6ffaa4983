// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletEdge

@Suite("Names of clients")
struct ClientIdentifierTests {
    @Test func namesAreReadBack() {
        for _ in 0..<1_000 {
            let clients = ClientIdentifier()
            let id = ConnectionID(
                shard: .random(in: 0...63), generation: .random(in: 0..<1 << 24), slot: .random(in: 0...Int32.max))
            let text = clients.text(of: id)
            #expect(text.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
            #expect(clients.connection(text) == id)
        }
    }

    @Test func othersAreNobody() {
        let clients = ClientIdentifier(nonce: 7)
        let id = ConnectionID(shard: 1, generation: 2, slot: 3)
        #expect(ClientIdentifier(nonce: 8).connection(clients.text(of: id)) == nil)
        for text in ["", "x", "-", String(repeating: "f", count: 32), String(repeating: "é", count: 16)] {
            #expect(clients.connection(text) == nil)
        }
    }
}
