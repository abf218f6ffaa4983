// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// JSON-RPC 2.0 as plain clients speak it on `/ws`, one message or one batch a frame.
///
/// Requests, parameters always by name:
///
/// | method | params | result |
/// | --- | --- | --- |
/// | `connect` | `token`, or none where anonymous connections are allowed | `{"client", "version", "ttl"?}` |
/// | `refresh` | `token`, and `channel` where it is one subscription's | `{"ttl"?}` |
/// | `subscribe` | `channel`; may have `token`, `since`, `recover`, `join_leave` | see below |
/// | `unsubscribe` | `channel` | `{}` |
/// | `publish` | `channel`, `data` (any JSON) | `{"position"?}` |
/// | `history` | `channel`; may have `since`, `limit`, `reverse` | `{"position", "publications"}` |
/// | `presence` | `channel` | `{"clients": [{"user", "client", …}]}` |
/// | `presence_stats` | `channel` | `{"clients", "users"}`, two numbers |
/// | `ping` | none | `{}` |
///
/// A position, as in `since`, is `{"offset", "epoch"}`. The result of `subscribe` is `{}` for a channel without
/// history, else `{"position", "recovered"?, "publications"?}`: `since` asks for what was missed there since, and where
/// `recovered` is true, `publications` is all of it. Who gave `since`, or said `"recover": true`, is unsubscribed with
/// code 2500 when its place in the stream is lost, to subscribe again with the last position it knows; all others are
/// told of a gap. `ttl` is the seconds within which a fresh token must come by `refresh`. An error has the standard
/// codes (-32700 ... -32603) or, for what the application refuses, a Centrifuge code (100 ...).
///
/// Notifications of the server:
///
/// | method | params |
/// | --- | --- |
/// | `publication` | `channel`, `data`, and where there are any `info` (who published), `tags`, `offset` and `epoch` |
/// | `join`, `leave` | `channel`, `info`: who came or went, to those who asked by `join_leave` |
/// | `gap` | `channel`: publications may have been lost here; reload what they would have changed |
/// | `unsubscribed` | `channel`, `code`, `reason`: the server ended the subscription; from 2500 on, subscribe again |
///
/// Publications in results are as in notifications, without the `channel` and `epoch` that all share. Why a connection
/// ends, its close frame says (`CloseReason`).
package enum JSONRPC {
    /// Requests in one batch; more are refused as one.
    package static let batchMax = 64
    /// Bytes of an id, which is repeated in the answer.
    package static let idBytesMax = 256

    /// The id of an answer to what was too broken to name one.
    package static let nullID: [UInt8] = Array("null".utf8)
}
