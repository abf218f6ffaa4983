// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Applies patches of the delta format of Fossil, as a client does, and believes nothing.
package enum FossilPatch {
    package enum Failure: Error {
        case malformed, outOfRange, size, checksum
    }

    package static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~")
    private static let values = Dictionary(uniqueKeysWithValues: zip(Self.digits.compactMap(\.asciiValue), 0...))

    package static func apply(_ patch: [UInt8], to base: [UInt8]) throws -> [UInt8] {
        var rest = patch[...]
        let size = try Self.number(&rest)
        guard rest.popFirst() == UInt8(ascii: "\n") else { throw Failure.malformed }
        var made: [UInt8] = []
        while true {
            let number = try Self.number(&rest)
            switch rest.popFirst() {
            case UInt8(ascii: "@"):
                let offset = try Self.number(&rest)
                guard rest.popFirst() == UInt8(ascii: ",") else { throw Failure.malformed }
                guard offset + number <= base.count else { throw Failure.outOfRange }
                made += base[offset..<(offset + number)]
            case UInt8(ascii: ":"):
                guard number <= rest.count else { throw Failure.outOfRange }
                made += rest.prefix(number)
                rest = rest.dropFirst(number)
            case UInt8(ascii: ";"):
                guard made.count == size, rest.isEmpty else { throw Failure.size }
                guard Self.checksum(made) == UInt32(number) else { throw Failure.checksum }
                return made
            default: throw Failure.malformed
            }
        }
    }

    private static func number(_ rest: inout ArraySlice<UInt8>) throws -> Int {
        var number = 0
        let start = rest.startIndex
        while let byte = rest.first, let value = Self.values[byte], number < 1 << 32 {
            number = number << 6 + value
            rest = rest.dropFirst()
        }
        guard rest.startIndex > start else { throw Failure.malformed }
        return number
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0
        var index = 0
        while index < bytes.count {
            var word: UInt32 = 0
            for place in index..<(index + 4) { word = word << 8 | (place < bytes.count ? UInt32(bytes[place]) : 0) }
            sum &+= word
            index += 4
        }
        return sum
    }
}
