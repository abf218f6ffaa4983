// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire

/// A query, and patterns of origins: an item's parts lie in the query, and decoding agrees with itself.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    var items = QueryItems(0..<count)
    var end = 0
    while let item = items.next(in: input.span) {
        precondition(item.name.lowerBound >= end && item.value.upperBound <= count, "an item is out of bounds")
        end = item.value.upperBound
        if let name = item.decodedName(in: input.span), let value = item.decodedValue(in: input.span) {
            precondition(name.utf8.count + value.utf8.count < count + 1, "decoding grows")
        }
    }
    let all = QueryItems.all("a", in: input.span, query: 0..<count)
    if let all, let first = all.first {
        precondition(QueryItems.first("a", in: input.span, query: 0..<count) == first, "the first is another")
    }
    let half = count / 2
    let origin = Array(input[half...])
    let pattern = String(decoding: input[..<half], as: UTF8.self)
    if OriginPattern(pattern).matches(origin.span), !pattern.contains("*") {
        precondition(pattern.utf8.count >= origin.count, "a pattern matches more than itself")
    }
    precondition(OriginPattern("*").matches(origin.span), "the asterisk matches all")
    return 0
}
