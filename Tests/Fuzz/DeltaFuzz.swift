// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

#if canImport(MartletProtocol)
import MartletProtocol
#endif

/// Two payloads, cut from the input: a patch is smaller than what it makes, and makes it.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let cut = 1 + (input.count - 1) * Int(first) / 256
    let (base, target) = (Array(input[1..<cut]), Array(input[cut...]))
    for other in [target, base + target, Array(target + base.dropFirst(base.count / 2))] {
        for keepsCharacters in [false, true] {
            guard let patch = FossilDelta.patch(from: base, to: other, keepsCharacters: keepsCharacters) else {
                continue
            }
            precondition(patch.count < other.count, "a patch is no smaller")
            precondition(apply(patch, to: base) == other, "a patch makes something else")
            guard keepsCharacters, String(validating: other, as: UTF8.self) != nil else { continue }
            precondition(String(validating: patch, as: UTF8.self) != nil, "a patch cuts a character")
        }
    }
    return 0
}

private let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~".utf8)

private func apply(_ patch: [UInt8], to base: [UInt8]) -> [UInt8] {
    var rest = patch[...]
    func number() -> Int {
        var number = 0
        while let byte = rest.first, let digit = digits.firstIndex(of: byte) {
            number = number << 6 + digit
            rest = rest.dropFirst()
        }
        return number
    }
    let size = number()
    rest = rest.dropFirst()
    var made: [UInt8] = []
    while true {
        let count = number()
        switch rest.popFirst() {
        case UInt8(ascii: "@"):
            let offset = number()
            rest = rest.dropFirst()
            made += base[offset..<offset + count]
        case UInt8(ascii: ":"):
            made += rest.prefix(count)
            rest = rest.dropFirst(count)
        default:
            precondition(made.count == size && rest.isEmpty, "a patch is not of its size")
            return made
        }
    }
}
