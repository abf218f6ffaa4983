// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

#if canImport(MartletProtocol)
import MartletCore
import MartletProtocol
#endif

private let channels = ["a", "b:c", "log:1", "ä"]
/// What every id of these channels begins with: a version and their checksum.
private let head = Base64URL.decode(Array(EventID.encode([nil, nil, nil, nil], of: channels).utf8)[...]) ?? []

/// What a browser gives back as `Last-Event-ID`: whatever it is, it is read or refused, and what is read is written as
/// it was.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    _ = EventID.decode(String(decoding: input, as: UTF8.self), of: channels)
    // Behind a right beginning, which chance would not find.
    guard let positions = EventID.decode(Base64URL.encode(head + input), of: channels) else { return 0 }
    precondition(positions.count == channels.count, "a position for each channel")
    let written = EventID.encode(positions, of: channels)
    precondition(EventID.decode(written, of: channels) == positions, "an id changes on its way")
    precondition(EventID.decode(written, of: channels.reversed()) == nil, "an id of other channels was taken")
    return 0
}
