// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the bytes at the start of a connection, or after a served request, are.
package enum HTTPParseOutcome: Hashable, Sendable {
    /// A legal beginning. Call again with more, and with `scanned:` as the count of the bytes given this time.
    case needMore
    case head(HTTPRequestHead)
    /// Answer and close: where the next request would begin is not known.
    case refused(HTTPRefusal)
}
