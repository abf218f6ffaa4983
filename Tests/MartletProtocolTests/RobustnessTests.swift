// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

/// Bytes from outside never trap: everything that reads them runs over noise, over mutations of what is valid, and over
/// every prefix and suffix of it.
struct RobustnessTests {
    private static let samples = [
        #"{"id":1,"connect":{"token":"a.b.c","data":{"x":[1,2.5e3]},"subs":{"c":{"recover":true,"offset":9,"epoch":"e"}}}}"#
            + "\n" + #"{"id":2,"subscribe":{"channel":"chat:é\u00e9\ud83d\ude00","flag":2}}"# + "\n{}\n",
        #"[{"jsonrpc":"2.0","id":"a","method":"publish","params":{"channel":"c","data":{"t":"x"}}},1]"#,
        #"{"id":"e","type":"claim.revoked","claim":{"name":"n","value":"v"},"before":"2026-01-01T00:00:00.5+01:00","at":17e8}"#,
        #"{"channel":"c","channels":["a","b"],"b64data":"eyJhIjoxfQ==","data":[],"user":"u","disconnect":{"code":4000}}"#,
        #"{"invalid":[{"session":"a","reason":"r"},"b"],"result":{},"error":{"code":100,"message":"m"}}"#,
        #"{"specversion":"1.0","id":"e","source":"s","type":"user.revoked","time":"2026-01-01T00:00:00Z","data":{"user":"u"}}"#,
        #"{"iss":"i","aud":["a"],"iat":17e8,"jti":"j","sub_id":{"format":"complex","user":{"format":"iss_sub","sub":"u"}},"#
            + #""events":{"https://schemas.openid.net/secevent/caep/event-type/session-revoked":{}}}"#,
        #"{"iat":1,"sid":"s","events":{"http://schemas.openid.net/event/backchannel-logout":{}}}"#,
        "2026-01-01T00:00:00.123+01:00", "eyJhIjoxfQ==", "{\"a\":\r\n[1,\"\\n\"]}",
    ]

    private static let inputs = Self.samples.map(bytes) + ProtobufFixtures.commands.map(\.bytes)

    @Test func prefixesAndSuffixes() {
        for sample in Self.inputs {
            for cut in 0...sample.count {
                readWithEverything(Array(sample[..<cut]))
                readWithEverything(Array(sample[cut...]))
            }
        }
    }

    @Test func mutations() {
        var generator = SeededGenerator(seed: 42)
        for sample in Self.inputs {
            for _ in 0..<1_000 { readWithEverything(mutate(sample, using: &generator)) }
        }
    }

    @Test func noise() {
        var generator = SeededGenerator(seed: 43)
        for _ in 0..<5_000 {
            let count = Int.random(in: 0...64, using: &generator)
            readWithEverything((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        }
    }

    /// Deep, long and repeated things cost time in proportion to their length and no stack.
    @Test(arguments: ["[", "{\"a\":", "\"", "\\", "9", "-", "{}\n", "{\"id\":1},", "\u{0}", "é", "\"\\u0041"])
    func repetitions(_ piece: String) {
        readWithEverything(bytes(String(repeating: piece, count: 20_000)))
        readWithEverything(bytes("{\"id\":" + String(repeating: piece, count: 5_000)))
        readWithEverything(bytes("\"" + String(repeating: piece, count: 5_000) + "\""))
    }
}
