// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

extension Publication {
    /// `data` as clients of JSON read it: as it is, or in base 64 where it is any bytes.
    package var json: [UInt8] { self.isBinary ? Base64.quoted(self.data) : self.data }
}
