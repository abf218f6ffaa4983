// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletWire

/// A PROXY header, addresses and blocks: a legal beginning stays one, and an address is printed as it is read.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let whole = ProxyProtocol.parse(input.span)
    for length in [input.count / 2, max(0, input.count - 1)] {
        let part = Array(input.prefix(length))
        let outcome = ProxyProtocol.parse(part.span)
        precondition(outcome == .needMore || outcome == whole, "a header depends on the pieces")
    }
    switch whole {
    case .header(_, let length), .local(let length): precondition(length <= count, "a length is out of bounds")
    case .needMore, .invalid: break
    }
    let text = String(decoding: input, as: UTF8.self)
    if let address = PeerAddress(text: input.span) {
        precondition(PeerAddress(host: address.host)?.host == address.host, "an address is not what it prints")
    }
    if let address = PeerAddress(host: text), let block = CIDR(text) {
        precondition(block.contains(address), "an address is not in its own block")
    }
    _ = CIDR(text)
    return 0
}
