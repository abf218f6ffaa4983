// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One message in both encodings.
struct ProtobufFixture: Sendable {
    let json: String
    /// With its length before it, in hexadecimal digits.
    let hex: String

    var bytes: [UInt8] { Self.bytes(self.hex) }

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
