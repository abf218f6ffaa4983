// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

#if canImport(MartletProtocol)
import MartletProtocol
#endif

/// A frame of a Centrifuge client that speaks Protobuf: read to its end, and payloads come out as JSON on one line.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    var reader = CentrifugeProtobuf.commands()
    var steps = 0
    while case .command(let command) = reader.next(in: input.span) {
        steps += 1
        check(command)
    }
    precondition(steps <= count, "a command takes at least a byte")
    if let command = CentrifugeProtobuf.command(input.span) { check(command) }
    _ = CentrifugeProtobuf.emulationRequest(input.span)
    return 0
}

private func check(_ command: CentrifugeCommand) {
    switch command.request {
    case .publish(_, let data): checkPayload(data)
    case .rpc(_, let data), .send(let data): if !data.isEmpty { checkPayload(data) }
    case .connect(let request): if let data = request.data { checkPayload(data) }
    case .subscribe(let request): if let data = request.data { checkPayload(data) }
    default: break
    }
}

private func checkPayload(_ payload: [UInt8]) {
    precondition(JSONScanner.document(payload.span) != nil && !payload.contains(0x0A), "a payload breaks frames")
}
