// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Lines of a client's request that may go on to the back-end.
package enum ProxyHeaders {
    /// Bytes of one value, and of all of a request together.
    package static let valueBytesMax = 8_192
    package static let bytesMax = 16_384

    /// What belongs to one hop, or says how the question itself is written.
    private static let own: Set<String> = [
        "accept", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade",
    ]

    /// Whether lines of this name may be sent to the back-end: a token of RFC 9110 that means nothing to the call itself.
    package static func isAllowed(_ name: String) -> Bool {
        let marks = "!#$%&'*+-.^_`|~"
        return !name.isEmpty && name.utf8.count <= 64 && !Self.own.contains(name.lowercased())
            && name.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                        || marks.unicodeScalars.contains(scalar))
            }
    }

    /// Visible ASCII, spaces and tabs: nothing that could end a line.
    package static func isValue(_ value: String) -> Bool {
        value.utf8.count <= Self.valueBytesMax
            && value.utf8.allSatisfy { 0x20..<0x7F ~= $0 || $0 == 0x09 || $0 >= 0x80 }
    }
}
