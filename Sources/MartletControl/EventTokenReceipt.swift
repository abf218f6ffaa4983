// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletProtocol

/// What became of a token that an identity provider delivered.
package enum EventTokenReceipt: Equatable, Sendable {
    /// What it says has ended.
    case accepted
    /// It is in order, and about something that does not concern sessions here.
    case ignored
    case refused(BadRecordReason)
    /// It may be good, but this node could not do what it says; why.
    case failed(String)
}
