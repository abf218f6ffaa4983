// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

#if canImport(MartletCore)
import MartletCore
#endif
#if canImport(MartletProtocol)
import MartletProtocol
#endif

/// A record of a revocation topic in every format, and the bodies of the API: what was read is written and read again as the same.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let now = 1_800_000_000.0
    let decoder = InvalidationDecoder(source: .kafka)
    if case .success(let decoded) = decoder.martlet(input.span, receivedAt: now) {
        precondition(decoded.invalidation.at <= now + 60, "a time of the future was taken")
        let again = InvalidationEncoder.martlet(decoded.invalidation)
        let expected = DecodedInvalidation(decoded.invalidation, isClamped: false)
        precondition(decoder.martlet(again.span, receivedAt: now) == .success(expected), "a record changes on its way")
    }
    let table = SessionTable(field: JSONPath("a.b"), values: ["x"], keyField: JSONPath("id"))
    let outcomes = [
        decoder.cloudEvent(input.span, header: { _ in nil }, receivedAt: now),
        decoder.cloudEvent(input.span, header: { _ in input }, receivedAt: now),
        decoder.sessionTable(key: input.span, value: nil, SessionTable(), receivedAt: now, place: "p"),
        decoder.sessionTable(key: input.span, value: input.span, table, receivedAt: now, place: "p"),
    ]
    let tokens = EventTokenKind.allCases.compactMap { try? EventTokenClaims(input.span, $0) }
    for outcome in outcomes + tokens.map({ decoder.token($0, receivedAt: now, place: "p") }) {
        guard case .decoded(let decoded) = outcome else { continue }
        precondition(decoded.invalidation.at <= now + 60, "a time of the future was taken")
    }
    if let revoke = try? APIRequest.Revoke(input.span) {
        let again = revoke.json
        precondition((try? APIRequest.Revoke(again.span)) == revoke, "a request changes on its way")
    }
    _ = try? APIRequest.Publish(input.span)
    _ = try? APIRequest.Broadcast(input.span)
    _ = try? APIRequest.Disconnect(input.span)
    _ = try? ValidationAnswer(input.span)
    _ = APIAnswer.decode(input.span)
    return 0
}
