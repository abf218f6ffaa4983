// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// Times as people read them.
enum TimeText {
    /// RFC 3339 of seconds since 1970.
    static func string(_ seconds: Double) -> String { RFC3339.string(seconds) ?? "\(seconds)" }
}
