// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletReactor

/// Connections whose connect waits for something: meanwhile nothing is read, and what was read is kept.
///
/// Whatever makes a connect wait calls `wait` after it has put what it needs into `EdgeExtras.connect`, and `goOn` when
/// it has answered it. Who waits longer than a handshake may take is ended.
extension EdgeShard {
    func isWaiting(_ slot: Int32) -> Bool { self.connections[Int(slot)].flags.contains(.waits) }

    func wait(_ slot: Int32) {
        self.connections[Int(slot)].flags.insert(.waits)
        if self.connections[Int(slot)].stage == .head { self.withExtras(slot).isLetIn = true }
        self.reactor.pauseReading(slot)
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
    }

    /// Keeps what came behind a connect until it is answered.
    func keep(_ slot: Int32, _ message: Span<UInt8>) {
        guard !message.isEmpty else { return }
        let extras = self.withExtras(slot)
        let waiting = extras.pending.reduce(message.count) { $0 + $1.count }
        // What is carried beside the connection cannot be left unread.
        guard waiting <= 2 * self.limits.messageBytesMax else { return self.end(slot, reason: .tooManyRequests) }
        extras.pending.append([UInt8](copying: message))
    }

    /// Works through what was kept, unless it must wait again, and then reads on.
    func goOn(_ slot: Int32) {
        while !self.isWaiting(slot), self.connections[Int(slot)].isOpen,
            let extras = self.existingExtras(slot), !extras.pending.isEmpty
        {
            let message = extras.pending.removeFirst()
            self.message(slot, message.span)
        }
        guard !self.isWaiting(slot) else { return }
        // A request that is read again must still know that it has waited.
        if self.connections[Int(slot)].isOpen { self.dropExtrasIfIdle(slot) }
        self.reactor.resumeReading(slot)
    }

    // MARK: - Keys

    func hasWaitedForKeys(_ slot: Int32) -> Bool { self.existingExtras(slot)?.waitedForKeys ?? false }

    /// Keeps a message until keys have come, or could not be had.
    func waitForKeys(_ slot: Int32, with message: Span<UInt8>) {
        self.keep(slot, message)
        self.waitForKeys(slot)
    }

    func waitForKeys(_ slot: Int32) {
        self.waitingForKeys.insert(slot)
        self.wait(slot)
        self.shared.requestKeys()
    }

    package func keysRefreshed() {
        let waiting = self.waitingForKeys
        self.waitingForKeys = []
        for slot in waiting {
            self.connections[Int(slot)].flags.remove(.waits)
            self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
            let extras = self.withExtras(slot)
            extras.waitedForKeys = true
            if let pending = extras.connect {
                extras.connect = nil
                self.connect(slot, pending.request, id: pending.id)
            }
            self.goOn(slot)
        }
    }
}
