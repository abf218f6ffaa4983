// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Writes the chunked transfer coding (RFC 9112 section 7.1).
package enum ChunkedEncoding {
    /// The chunk that ends a body.
    package static let last = Array("0\r\n\r\n".utf8)

    /// One chunk; nothing for no bytes, as an empty chunk would end the body.
    package static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        guard !bytes.isEmpty else { return [] }
        var chunk: [UInt8] = []
        chunk.reserveCapacity(bytes.count + 20)
        chunk += String(bytes.count, radix: 16).utf8
        chunk += "\r\n".utf8
        chunk += bytes
        chunk += "\r\n".utf8
        return chunk
    }
}
