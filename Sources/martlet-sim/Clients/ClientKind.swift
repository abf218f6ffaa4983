// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How a client comes back.
enum ClientKind: UInt8, CaseIterable, Sendable {
    /// With an SDK: by its own backoff, as a browser shows it neither status nor `Retry-After` of a refused WebSocket.
    case sdk
    /// An `EventSource`: after the `retry:` that it was told last.
    case eventStream
}
