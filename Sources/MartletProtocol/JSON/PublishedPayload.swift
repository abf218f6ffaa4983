// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What somebody wants published, as its channel takes it.
package struct PublishedPayload: Equatable, Sendable {
    package var bytes: [UInt8]
    /// Whether they are any bytes, and not JSON.
    package var isBinary: Bool

    /// Of JSON on one line. In a channel of bytes it must be a string in base 64; nil for anything else.
    package init?(json: [UInt8], for kind: NamespaceOptions.Data) {
        switch kind {
        case .json: self.init(bytes: json, isBinary: false)
        case .binary:
            guard case .value(let value) = JSONScanner.scanDocument(json.span),
                let text = value.string(in: json.span), let bytes = Base64.decode(text), !bytes.isEmpty
            else { return nil }
            self.init(bytes: bytes, isBinary: true)
        }
    }

    /// Of bytes, which must be JSON where the channel is not one of bytes.
    package init?(bytes: [UInt8], for kind: NamespaceOptions.Data) {
        switch kind {
        case .json:
            guard let json = Payload.json(bytes.span) else { return nil }
            self.init(bytes: json, isBinary: false)
        case .binary: self.init(bytes: bytes, isBinary: true)
        }
    }

    /// Of bytes as services send them: where the channel is not one of bytes, text that is not JSON becomes a JSON string.
    package init?(anything bytes: [UInt8], for kind: NamespaceOptions.Data) {
        switch kind {
        case .json:
            guard let json = Payload.normalize(bytes) else { return nil }
            self.init(bytes: json, isBinary: false)
        case .binary:
            guard !bytes.isEmpty else { return nil }
            self.init(bytes: bytes, isBinary: true)
        }
    }

    private init(bytes: [UInt8], isBinary: Bool) {
        self.bytes = bytes
        self.isBinary = isBinary
    }
}

extension Publication {
    package init(channel: String, _ payload: PublishedPayload, time: Double) {
        self.init(channel: channel, data: payload.bytes, time: time)
        self.isBinary = payload.isBinary
    }
}
