// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

#if canImport(MartletProtocol)
import MartletProtocol
#endif

/// A frame of a JSON-RPC client: what is repeated in an answer leaves it JSON.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    var requests: [JSONRPCRequest] = []
    switch JSONRPC.decode(input.span) {
    case .single(let request): requests = [request]
    case .batch(let batch): requests = batch
    case .invalid(let error): requests = [JSONRPCRequest(id: nil, call: .invalid(error))]
    }
    precondition(requests.count <= JSONRPC.batchMax, "a batch exceeds its bound")
    for request in requests {
        let answer = JSONRPC.result(id: request.id ?? JSONRPC.nullID)
        precondition(JSONScanner.document(answer.span) != nil && !answer.contains(0x0A), "an id breaks its answer")
        if case .publish(_, let data) = request.call {
            precondition(JSONScanner.document(data.span) != nil && !data.contains(0x0A), "data breaks its publication")
        }
    }
    return 0
}
