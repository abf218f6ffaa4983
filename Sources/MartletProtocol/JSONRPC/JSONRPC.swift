// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// JSON-RPC 2.0 as plain clients speak it on `/ws`, one message or one batch a frame.
///
/// Requests, parameters always by name:
///
/// | method | params | result |
/// | --- | --- | --- |
/// | `connect` | `token`, or none where anonymous connections are allowed | `{"client", "version", "ttl"?}` |
/// | `refresh` | `token` | `{"ttl"?}` |
/// | `subscribe`, `unsubscribe` | `channel` | `{}` |
/// | `publish` | `channel`, `data` (any JSON) | `{}` |
/// | `ping` | none | `{}` |
///
/// `ttl` is the seconds within which a fresh token must come by `refresh`. An error has the standard codes
/// (-32700 ... -32603) or, for what the application refuses, a Centrifuge code (100 ...).
///
/// Notifications of the server:
///
/// | method | params |
/// | --- | --- |
/// | `publication` | `channel`, `data`, and where there are any `info` (who published) and `offset` |
/// | `gap` | `channel`: publications may have been lost here; reload what they would have changed |
///
/// Why a connection ends, its close frame says (`CloseReason`).
package enum JSONRPC {
    /// Requests in one batch; more are refused as one.
    package static let batchMax = 64
    /// Bytes of an id, which is repeated in the answer.
    package static let idBytesMax = 256

    /// The id of an answer to what was too broken to name one.
    package static let nullID: [UInt8] = Array("null".utf8)
}
