// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// A token taken apart (RFC 7515 section 3.1); nothing of it is believed yet.
struct TokenParts {
    let bytes: [UInt8]
    let algorithm: TokenAlgorithm
    /// `kid`, or nil.
    let keyIdentifier: String?
    /// `typ`, or nil.
    let type: String?
    let signature: [UInt8]
    private let payloadStart: Int
    private let messageEnd: Int

    init(_ token: String, bytesMax: Int) throws(TokenRejection) {
        guard token.utf8.count <= bytesMax else { throw .tooLong }
        let bytes = Array(token.utf8)
        guard let first = bytes.firstIndex(of: UInt8(ascii: ".")),
            let last = bytes.lastIndex(of: UInt8(ascii: ".")), first < last,
            let headerBytes = Base64URL.decode(bytes[..<first]), let header = TokenHeader(headerBytes),
            let signature = Base64URL.decode(bytes[(last + 1)...])
        else { throw .malformed }
        guard let algorithm = header.algorithm.flatMap(TokenAlgorithm.init(rawValue:)) else {
            throw .unsupportedAlgorithm
        }
        self.bytes = bytes
        self.algorithm = algorithm
        self.keyIdentifier = header.identifier
        self.type = header.type
        self.signature = signature
        self.payloadStart = first + 1
        self.messageEnd = last
    }

    /// What is signed.
    var message: ArraySlice<UInt8> { self.bytes[..<self.messageEnd] }
    /// The claims' bytes; nil where they are not base 64.
    var payload: [UInt8]? { Base64URL.decode(self.bytes[self.payloadStart..<self.messageEnd]) }
}
