// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

struct CloseReasonTests {
    /// The codes that Centrifuge clients know (its protocol's table of disconnects), by name.
    @Test(
        arguments: [
            (3000, "connection_closed"), (3001, "shutdown"), (3004, "internal_error"), (3005, "connection_expired"),
            (3006, "subscription_expired"), (3008, "slow"), (3009, "write_error"), (3010, "insufficient_state"),
            (3011, "force_reconnect"), (3012, "no_pong"), (3013, "too_many_requests"), (3014, "state_invalidated"),
            (3500, "invalid_token"),
            (3501, "bad_request"), (3502, "stale"), (3503, "force_disconnect"), (3504, "connection_limit"),
            (3505, "channel_limit"), (3506, "inappropriate_protocol"), (3507, "permission_denied"),
            (3508, "not_available"),
            (4000, "validation_unavailable"), (4001, "rebalance"), (4500, "session_revoked"), (4501, "user_revoked"),
            (4502, "token_revoked"), (4503, "validation_failed"), (4504, "claim_revoked"), (1002, "protocol_error"),
            (1003, "unsupported_data"), (1007, "invalid_payload"), (1009, "message_too_big"), (1012, "service_restart"),
        ] as [(UInt16, String)])
    func codes(_ code: UInt16, name: String) {
        #expect(CloseReason(rawValue: name)?.code == code)
    }

    /// The rule by which Centrifuge SDKs decide, written as they write it.
    @Test(arguments: CloseReason.allCases)
    func clientsComeBackByRange(_ reason: CloseReason) {
        let terminal = (3500...3999 ~= reason.code) || (4500...4999 ~= reason.code) || reason.code == 1009
        #expect(reason.mayReconnect == !terminal)
    }

    @Test(arguments: CloseReason.allCases)
    func textsFitACloseFrame(_ reason: CloseReason) {
        #expect(!reason.text.isEmpty && reason.text.utf8.count <= 123)
        #expect(reason.rawValue.utf8.allSatisfy { $0 == 0x5F || ($0 >= 0x61 && $0 <= 0x7A) })
    }

    @Test func codesOfTheServerAreItsOwn() {
        let own = CloseReason.allCases.filter { $0.code >= 3000 }
        #expect(Set(own.map(\.code)).count == own.count)
    }
}
