// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a connection is told when it is ended: one of our reasons, or the words of the application.
package struct CloseNotice: Hashable, Sendable {
    /// Codes that the application may use.
    package static let applicationCodes: ClosedRange<UInt16> = 4000...4999
    /// Bytes that a close frame can hold beside the code (RFC 6455 section 5.5).
    package static let textBytesMax = 123

    /// The reason it counts as.
    package let reason: CloseReason
    package let code: UInt16
    package let text: String

    package init(_ reason: CloseReason) {
        self.reason = reason
        self.code = reason.code
        self.text = reason.text
    }

    /// A code of the application's own, or of ours with another text; nil for a code that is neither.
    package init?(code: UInt16, text: String) {
        let named = CloseReason.allCases.first { $0.code == code && code >= 3000 }
        guard named != nil || Self.applicationCodes.contains(code), text.utf8.count <= Self.textBytesMax else {
            return nil
        }
        self.reason = named ?? .application
        self.code = code
        self.text = text.isEmpty ? self.reason.text : text
    }

    /// Whether a client that obeys the code may connect again with what it has.
    package var mayReconnect: Bool { CloseReason.mayReconnect(after: self.code) }
}
