// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

#if canImport(MartletProtocol)
import MartletProtocol
#endif

/// A frame of a Centrifuge client: read to its end, and agreeing with strict validation of its first line.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    var reader = CentrifugeJSON.commands()
    var steps = 0
    while case .command = reader.next(in: input.span) { steps += 1 }
    precondition(steps <= count / 2 + 1, "a command takes at least two bytes")
    let line = Array(input.prefix { $0 != 0x0A })
    if CentrifugeJSON.command(line.span) != nil {
        precondition(JSONScanner.document(line.span)?.kind == .object, "a command that is no JSON was taken")
    }
    if let payload = Payload.normalize(input.span) {
        precondition(JSONScanner.document(payload.span) != nil && !payload.contains(0x0A), "a payload breaks frames")
        precondition(Payload.normalize(payload.span) == payload, "a payload changes on its way")
    }
    return 0
}
