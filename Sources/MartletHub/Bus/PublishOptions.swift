// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What is to be done with a publication beside delivering it.
package struct PublishOptions: Hashable, Sendable {
    /// How much of the stream is kept; nil: the publication is delivered and forgotten.
    package var history: HistoryOptions?
    /// Publishing again under this key, within five minutes, gives the position of the first time and does nothing.
    package var idempotencyKey: String?
    /// Of one document's versions a later one is not followed by an earlier, where history is kept; 0 where versions do
    /// not matter. What is not published for it gets the position where the stream stands.
    package var version: UInt64 = 0
    /// Versions of different epochs are not compared.
    package var versionEpoch = ""

    package init(history: HistoryOptions? = nil) { self.history = history }
}
