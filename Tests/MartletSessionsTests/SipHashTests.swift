// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletSessions

@Suite struct SipHashTests {
    /// From the reference implementation: key 00 01 … 0f, input 00 01 …, of 0 and 1 bytes.
    @Test(arguments: [
        (0, 0xE6A8_25BA_047F_81A3 as UInt64, 0x9302_55C7_1472_F66D as UInt64),
        (1, 0x44AF_996B_D8C1_87DA, 0x45FC_229B_1159_7634),
    ])
    func agreesWithTheReference(_ length: Int, _ low: UInt64, _ high: UInt64) {
        var hash = SipHash(.init(first: 0x0706_0504_0302_0100, second: 0x0F0E_0D0C_0B0A_0908))
        for byte in 0..<length { hash.update(UInt8(byte)) }
        #expect(hash.finalize() == .init(high: high, low: low))
    }
}
