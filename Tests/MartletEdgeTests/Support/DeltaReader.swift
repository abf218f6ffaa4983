// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// Reads publications as a client of the Centrifuge protocol that asked for patches.
final class DeltaReader {
    private var base: [UInt8]?
    /// How they came: `f` in full, `p` as a patch.
    private(set) var kinds = ""

    /// The payloads of what a message of JSON brings, a push or the reply to a subscription.
    func texts(_ message: String) throws -> [String] {
        let object = try JSONSerialization.jsonObject(with: Data(message.utf8)) as? [String: Any] ?? [:]
        if let subscribe = object["subscribe"] as? [String: Any] {
            let publications = subscribe["publications"] as? [[String: Any]] ?? []
            return try publications.map { try self.text($0) }
        }
        let push = object["push"] as? [String: Any] ?? object
        guard let publication = push["pub"] as? [String: Any] else {
            throw TestSupportError("no publication: \(message)")
        }
        return [try self.text(publication)]
    }

    private func text(_ publication: [String: Any]) throws -> String {
        guard let data = publication["data"] as? String else { throw TestSupportError("no text: \(publication)") }
        return String(
            decoding: try self.take(Array(data.utf8), isPatch: publication["delta"] as? Bool ?? false), as: UTF8.self)
    }

    /// The payload that these bytes are, or make of the last.
    func take(_ bytes: [UInt8], isPatch: Bool) throws -> [UInt8] {
        self.kinds += isPatch ? "p" : "f"
        var payload = bytes
        if isPatch {
            guard let base = self.base else { throw TestSupportError("a patch for nothing") }
            payload = try FossilPatch.apply(bytes, to: base)
        }
        self.base = payload
        return payload
    }
}
