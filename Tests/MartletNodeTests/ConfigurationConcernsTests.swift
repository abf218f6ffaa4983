// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletNode

@Suite("What a node warns of")
struct ConfigurationConcernsTests {
    @Test func aShortSecretIsNamedAndNotShown() throws {
        var configuration = NodeConfiguration()
        #expect(configuration.concerns.isEmpty)
        configuration.auth.hmacSecret = String(repeating: "s", count: 31)
        let concerns = configuration.concerns
        #expect(concerns.count == 1 && concerns[0].contains("31 bytes") && !concerns[0].contains("sss"))
        configuration.auth.hmacSecret = String(repeating: "ü", count: 16)
        #expect(configuration.concerns.isEmpty)
    }

    @Test func moreConnectionsThanDescriptorsAreNamed() {
        var configuration = NodeConfiguration()
        configuration.limits.connectionsMax = .max
        #expect(configuration.concerns.count == 1)
    }
}
