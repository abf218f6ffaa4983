// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A loop's own socket of a listener.
struct ListenerSocket {
    var descriptor: Int32
    /// Not watched until the next tick, because there was no descriptor for a connection.
    var isPaused = false
}
