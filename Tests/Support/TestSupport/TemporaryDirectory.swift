// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// A directory that is removed, with all that is in it, when nobody holds it any more.
package final class TemporaryDirectory: Sendable {
    package let url: URL

    package init() throws {
        // Short, because the path of a Unix socket has at most 107 bytes.
        self.url = FileManager.default.temporaryDirectory
            .appendingPathComponent("martlet-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: self.url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: self.url) }

    package func path(_ name: String) -> String { self.url.appendingPathComponent(name).path }
}
