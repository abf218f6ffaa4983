// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Synchronization

/// The keys of which a caller of the API must know one.
package final class APIKeys: Sendable {
    private let keys: Mutex<[[UInt8]]>

    package init(_ keys: [String]) { self.keys = Mutex(Self.bytes(keys)) }

    /// From now on these keys are good and no others.
    package func replace(_ keys: [String]) { self.keys.withLock { $0 = Self.bytes(keys) } }

    private static func bytes(_ keys: [String]) -> [[UInt8]] { keys.filter { !$0.isEmpty }.map { Array($0.utf8) } }

    /// Takes the first of header `X-API-Key`, `Authorization: apikey <key>` and query `api_key`.
    func admits(_ request: Request) -> Bool {
        Self.presented(in: request).map { self.knows($0) } ?? false
    }

    /// Takes `Authorization: Bearer <key>` alone.
    func admits(bearerOf request: Request) -> Bool {
        let parts = request.headers[.authorization]?.split(separator: " ", maxSplits: 1) ?? []
        return parts.count == 2 && parts[0].lowercased() == "bearer" && self.knows(String(parts[1]))
    }

    private func knows(_ presented: String) -> Bool {
        // Every key is compared in whole, so that the time taken tells nothing of where they differ.
        self.keys.withLock { $0 }.reduce(false) { found, key in Self.equal(key, Array(presented.utf8)) || found }
    }

    private static func presented(in request: Request) -> String? {
        if let field = request.headers.first(where: { $0.name.canonicalName == "x-api-key" }) { return field.value }
        if let authorization = request.headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "apikey" { return String(parts[1]) }
        }
        return request.uri.queryParameters["api_key"].map(String.init)
    }

    private static func equal(_ key: [UInt8], _ presented: [UInt8]) -> Bool {
        var difference = UInt8(key.count == presented.count ? 0 : 1)
        for (index, byte) in presented.enumerated() { difference |= byte ^ key[index % key.count] }
        return difference == 0
    }
}
