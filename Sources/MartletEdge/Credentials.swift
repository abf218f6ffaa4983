// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a request brought to prove who it is.
struct Credentials {
    var token: String?
    /// A browser adds it whoever asks.
    var isCookie = false
}
