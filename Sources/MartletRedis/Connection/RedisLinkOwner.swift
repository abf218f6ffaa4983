// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Who uses a `RedisLink`. Called on its event loop only.
protocol RedisLinkOwner: AnyObject {
    func linkOpened()
    /// The connection ended, or could not be made; the link goes on trying.
    func linkClosed(_ error: RedisError, wasOpen: Bool)
    func linkReceived(_ reply: RESPValue)
    /// All that had come by now has been received.
    func linkReadCompleted()
}
