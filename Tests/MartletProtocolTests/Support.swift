// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol

/// The same random numbers in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// Changes a few bytes of what is valid: replaces, inserts, removes, repeats.
func mutate(_ original: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
    let interesting = bytes(#""\{}[],:0-9.eEtfn"#) + [0x00, 0x0A, 0x0D, 0x1F, 0x7F, 0x80, 0xC0, 0xE2, 0xED, 0xF4, 0xFF]
    var mutated = original
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let position = Int.random(in: 0...mutated.count, using: &generator)
        let byte = interesting.randomElement(using: &generator) ?? 0
        switch Int.random(in: 0..<4, using: &generator) {
        case 0 where position < mutated.count: mutated[position] = byte
        case 1 where position < mutated.count: mutated.remove(at: position)
        case 2:
            let end = min(mutated.count, position + Int.random(in: 0..<16, using: &generator))
            mutated.insert(contentsOf: mutated[position..<end], at: position)
        default: mutated.insert(byte, at: position)
        }
    }
    return mutated
}

/// Everything that reads bytes from outside, run over the same bytes for its own sake: it must come back.
func readWithEverything(_ input: [UInt8]) {
    _ = Payload.normalize(input.span)
    var reader = CentrifugeJSON.commands()
    while case .command = reader.next(in: input.span) {}
    reader = CentrifugeProtobuf.commands()
    while case .command = reader.next(in: input.span) {}
    _ = CentrifugeProtobuf.command(input.span)
    _ = CentrifugeProtobuf.emulationRequest(input.span)
    _ = CentrifugeJSON.emulationRequest(input.span)
    _ = CentrifugeJSON.connectRequest(input.span)
    _ = CentrifugeClientInfo(input.span)
    _ = JSONScanner.strings(input.span)
    _ = JSONRPC.decode(input.span)
    readAsRecord(input)
    _ = try? APIRequest.Publish(input.span)
    _ = try? APIRequest.Broadcast(input.span)
    _ = try? APIRequest.Disconnect(input.span)
    _ = (try? APIRequest.Revoke(input.span))?.invalidation(id: "x", at: 1_800_000_000)
    _ = APIAnswer.decode(input.span)
    _ = try? ValidationAnswer(input.span)
    for method in ProxyMethod.allCases { _ = try? ProxyAnswer(method, input.span) }
    _ = RFC3339.parse(String(decoding: input, as: UTF8.self))
    _ = Base64.decode(String(decoding: input, as: UTF8.self))
}

/// The records of topics of every format: the bytes as the value, as the key, and as each header.
func readAsRecord(_ input: [UInt8]) {
    let (decoder, now) = (InvalidationDecoder(source: .kafka), 1_800_000_000.0)
    _ = decoder.martlet(input.span, receivedAt: now)
    _ = decoder.cloudEvent(input.span, header: { _ in nil }, receivedAt: now)
    _ = decoder.cloudEvent(input.span, header: { _ in input }, receivedAt: now)
    let headers = ["ce_specversion": "1.0", "ce_id": "e", "ce_source": "s", "ce_type": "session.revoked"]
    _ = decoder.cloudEvent(input.span, header: { headers[$0].map(bytes) }, receivedAt: now)
    let table = SessionTable(field: JSONPath("a.b"), values: ["x"], keyField: JSONPath("id"))
    _ = decoder.sessionTable(key: input.span, value: input.span, table, receivedAt: now, place: "t/0/1")
    _ = decoder.sessionTable(key: input.span, value: nil, SessionTable(), receivedAt: now, place: "t/0/1")
    for kind in EventTokenKind.allCases {
        guard let claims = try? EventTokenClaims(input.span, kind) else { continue }
        _ = decoder.token(claims, receivedAt: now, place: "t/0/1")
    }
}
