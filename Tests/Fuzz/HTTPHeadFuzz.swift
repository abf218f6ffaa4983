// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletWire

/// A request head: judged alike whether it comes at once or in two pieces, and what reads its fields holds.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let cut = input.first.map({ min(Int($0), input.count - 1) }) else { return 0 }
    let bytes = Array(input.dropFirst())
    let limits = HTTPLimits(headBytesMax: 2_048, targetBytesMax: 512, fieldsMax: 16)
    let whole = HTTPRequestParser.parse(bytes.span, limits: limits)
    let first = Array(bytes.prefix(cut))
    var second = HTTPRequestParser.parse(first.span, limits: limits)
    if second == .needMore { second = HTTPRequestParser.parse(bytes.span, limits: limits, scanned: cut) }
    switch whole {
    case .needMore: precondition(second == whole, "a beginning was refused because it came in pieces")
    case .refused:
        if case .refused = second { return 0 }
        // The first piece may have been a whole request.
        if case .head(let head) = second, head.length <= cut { return 0 }
        preconditionFailure("a refusal depends on the pieces")
    case .head(let head):
        precondition(second == whole, "a head depends on the pieces")
        precondition(head.length <= bytes.count && head.path.upperBound <= head.length, "a range is out of bounds")
        read(head, bytes)
    }
    return 0
}

private func read(_ head: HTTPRequestHead, _ bytes: [UInt8]) {
    if case .accepted(let accept) = WebSocketHandshake.check(head, in: bytes.span) {
        let chosen = WebSocketHandshake.subprotocols(head, in: bytes.span, supported: ["jsonrpc"])
        _ = HTTPResponse.upgrade(accept: accept, subprotocol: chosen.chosen)
    }
    let cors = CORS(allowedOrigins: ["https://*.example", "http://localhost:*", "*"])
    _ = cors.verdict(head, in: bytes.span)
    let preflight = cors.preflight(head, in: bytes.span, keepsAlive: true)
    guard case .head(let answer) = HTTPResponseHead.parse(preflight.span), answer.length == preflight.count else {
        preconditionFailure("a field broke out of its line")
    }
    _ = Cookies.value("token", in: bytes.span, lines: head.cookies)
    _ = MediaType.isAccepted(MediaType.eventStream, by: head.accept, in: bytes.span)
    _ = head.bearerToken(in: bytes.span)
    if let host = head.host { _ = HostName.isLoopback(host, in: bytes.span) }
    let trusted = ["127.0.0.0/8", "::/0"].compactMap { CIDR($0) }
    let peer = PeerAddress(v4: 0x7F00_0001)
    _ = ForwardedFor.client(of: peer, lines: head.forwardedFor, in: bytes.span, trusted: trusted)
    _ = QueryItems.all("channel", in: bytes.span, query: head.query)
}
