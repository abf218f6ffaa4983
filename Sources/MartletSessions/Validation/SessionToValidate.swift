// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// A session that is to be asked about.
package struct SessionToValidate: Sendable {
    package let identity: Identity
    /// Its place in the roster.
    let id: Int32
    /// Whether it is not in the roster, but waits at the door.
    var isGuest: Bool { self.id < 0 }

    package init(identity: Identity, id: Int32 = -1) {
        self.identity = identity
        self.id = id
    }
}
