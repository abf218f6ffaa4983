// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Bad input, command by command")
    struct BadCommandTests {
        /// Commands that are answered with an error, and nothing else happens.
        @Test(
            arguments: [
                (#""subscribe":{"channel":"a b"}"#, 107), (#""subscribe":{"channel":"nowhere:a"}"#, 102),
                (#""subscribe":{"channel":"log:a","type":4}"#, 108), (#""subscribe":{"channel":"secret:a"}"#, 103),
                (#""subscribe":{"channel":"$log:a"}"#, 103), (#""subscribe":{"channel":"log:a#bob"}"#, 103),
                (#""subscribe":{"channel":"log:a","token":"x"}"#, 103),
                (#""publish":{"channel":"log:a","data":1}"#, 103),
                (#""publish":{"channel":"nowhere:a","data":1}"#, 102),
                (#""publish":{"channel":"l\u00f6g","data":1}"#, 107), (#""presence":{"channel":"log:a"}"#, 108),
                (#""presence_stats":{"channel":"log:a"}"#, 108), (#""history":{"channel":"who:a"}"#, 108),
                (#""history":{"channel":"log:a"}"#, 103), (#""rpc":{"method":"x","data":1}"#, 108), (#""rpc":{}"#, 108),
                (#""sub_refresh":{"channel":"log:a","token":"x"}"#, 103),
            ])
        func isAnsweredWithAnError(_ command: String, _ code: Int) throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                #expect(try client.code(command) == code)
                #expect(try client.command(#""ping":{}"#) == #"{"id":9,"ping":{}}"#)
            }
        }

        /// A field that is missing where it must be, of a wrong type, or beyond what fits it: not the protocol.
        @Test(
            arguments: [
                #""subscribe":{}"#, #""subscribe":1"#, #""subscribe":{"channel":1}"#,
                #""subscribe":{"channel":"log:a","offset":-1}"#,
                #""subscribe":{"channel":"log:a","offset":18446744073709551616}"#,
                #""subscribe":{"channel":"log:a","recover":1}"#, #""subscribe":{"channel":"log:a","epoch":1}"#,
                #""subscribe":{"channel":"log:a","token":{}}"#, #""subscribe":{"channel":"log:a","flag":"2"}"#,
                #""subscribe":{"channel":"log:a","type":4294967296}"#, #""unsubscribe":{}"#, #""unsubscribe":[]"#,
                #""publish":{"data":1}"#, #""publish":{"channel":"log:a"}"#, #""publish":{"channel":[],"data":1}"#,
                #""presence":{}"#, #""presence":{"channel":null}"#, #""presence_stats":{}"#, #""history":{}"#,
                #""history":{"channel":"log:a","limit":"1"}"#, #""history":{"channel":"log:a","since":1}"#,
                #""history":{"channel":"log:a","since":{"offset":"1"}}"#, #""history":{"channel":"log:a","reverse":0}"#,
                #""rpc":{"method":1}"#, #""rpc":"x""#, #""refresh":{}"#, #""refresh":{"token":1}"#,
                #""sub_refresh":{}"#, #""sub_refresh":{"channel":"log:a","type":"0"}"#, #""unheard":{}"#, #""ping":1"#,
            ])
        func endsTheConnectionAsABadRequest(_ command: String) throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let witness = try SocketClient.connected(rig, token: rig.token("bob"))
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                try client.send(#"{"id":9,\#(command)}"#)
                #expect(try client.closeCode() == 3501)
                #expect(try witness.command(#""ping":{}"#) == #"{"id":9,"ping":{}}"#)
            }
        }

        @Test(
            arguments: [
                #"{"token":1}"#, #"{"subs":[]}"#, #"{"subs":{"log:a":1}}"#, #"{"subs":{"log:a":{"offset":"1"}}}"#,
                #"{"name":1}"#, "1",
            ])
        func aConnectThatIsNone(_ request: String) throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(#"{"id":1,"connect":\#(request)}"#)
                #expect(try client.closeCode() == 3501)
            }
        }

        @Test func aBatchThatIsTooLarge() throws {
            try EdgeRig.run({
                EdgeRig.channels(&$0)
                $0.edge.limits.commandsBurst = 1_000
                $0.edge.limits.commandsPerSecond = 1
            }) { rig in
                let witness = try SocketClient.connected(rig, token: rig.token("bob"))
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                // Within its limits all of it is done; beyond them it is too much.
                try client.send((1...900).map { #"{"id":\#($0),"ping":{}}"# }.joined(separator: "\n"))
                for id in 1...900 { #expect(try client.text() == #"{"id":\#(id),"ping":{}}"#) }
                try client.send(
                    (1...900).map { #"{"id":\#($0),"history":{"channel":"log:a"}}"# }.joined(separator: "\n"))
                #expect(try client.closeCode() == 3013)
                let second = try SocketClient.connected(rig, token: rig.token("ann"))
                try second.send(#"{"id":1,"rpc":{"data":"\#(String(repeating: "x", count: 65_536))"}}"#)
                #expect(try second.closeCode() == 1009)
                #expect(try witness.command(#""ping":{}"#) == #"{"id":9,"ping":{}}"#)
            }
        }
    }
}
