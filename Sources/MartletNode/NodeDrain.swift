// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletEdge
import MartletHub
import MartletInstruments
import MartletPolicy
import MartletProtocol
import Synchronization

/// Sends all connections of a node away at a pace, whether the node ends afterwards or stays.
final class NodeDrain: Sendable {
    /// How often it is looked at what is left.
    private static let pollInterval: Duration = .milliseconds(50)

    private struct State {
        var phase = DrainStatus.Phase.none
        var task: Task<Void, Never>?
        /// Tells one drain from the next, where one was taken back.
        var number = 0
        var connectionsAtStart = 0
        var endsAt: ContinuousClock.Instant?
    }

    private let timing: NodeConfiguration.Drain
    private let hub: Hub
    private let shared: EdgeShared
    private let life: NodeLife
    private let logger: Logger
    private let state = Mutex(State())

    init(_ timing: NodeConfiguration.Drain, hub: Hub, shared: EdgeShared, life: NodeLife, logger: Logger) {
        self.timing = timing
        self.hub = hub
        self.shared = shared
        self.life = life
        self.logger = logger
    }

    private var open: Int { self.shared.metrics.open.current }

    /// How far it is.
    var progress: (phase: DrainStatus.Phase, connections: Int, atStart: Int, secondsLeft: Double) {
        self.state.withLock { state in
            let left = state.endsAt.map { max(0, (ContinuousClock.now.duration(to: $0)).inSeconds) } ?? 0
            return (state.phase, self.open, state.connectionsAtStart, state.phase == .drained ? 0 : left)
        }
    }

    /// Begins, unless it has begun.
    func begin() {
        self.state.withLock { state in
            guard state.task == nil else { return }
            self.life.drain()
            self.shared.endKeptAlive()
            state.number += 1
            state.phase = .waiting
            state.connectionsAtStart = self.open
            state.endsAt = .now + self.timing.delay + self.timing.window
            self.logger.info("draining", metadata: ["connections": "\(self.open)"])
            let number = state.number
            // Unstructured, because who asks for it does not wait; it ends with its window, or is taken back.
            state.task = Task { await self.run(number) }
        }
    }

    /// Whoever is left stays, and others may come again; false where the node is to end.
    func takeBack() -> Bool {
        self.state.withLock { state in
            guard !self.life.isStopping else { return false }
            guard let task = state.task else { return true }
            task.cancel()
            state.task = nil
            state.phase = .none
            state.endsAt = nil
            self.hub.tellAll(.drainTakenBack)
            self.life.takeDrainBack()
            self.shared.reopen()
            self.logger.info("the drain was taken back", metadata: ["connections": "\(self.open)"])
            return true
        }
    }

    /// Begins where it has not begun, and waits until it is through.
    func finish() async {
        self.life.beginToStop()
        self.begin()
        let task = self.state.withLock { $0.task }
        let life = self.life
        await withTaskCancellationHandler {
            await task?.value
        } onCancel: {
            // A cancelled drain still says goodbye, it only hurries.
            life.hurry()
        }
    }

    private func run(_ number: Int) async {
        // The balancer notices first; until then what it sends is served.
        await self.wait(self.timing.delay) { false }
        let window = self.life.isHurried ? Duration.zero : self.timing.window
        guard self.enter(.ending, number, window) else { return }
        await self.wait(window) { self.open == 0 }
        guard self.enter(.drained, number, .zero) else { return }
        self.logger.info("drained", metadata: ["connections": "\(self.open)"])
    }

    /// Under the lock, so that nothing is told to the shards after it was taken back.
    private func enter(_ phase: DrainStatus.Phase, _ number: Int, _ window: Duration) -> Bool {
        self.state.withLock { state in
            guard state.task != nil, state.number == number else { return false }
            state.phase = phase
            state.endsAt = .now + window
            if phase == .ending {
                self.shared.setAdmission(.draining)
                state.connectionsAtStart = self.open
            }
            if phase == .ending || self.open > 0 { self.hub.tellAll(.drain(window: window)) }
            return true
        }
    }

    /// Waits for the time, the condition, the second signal or the end of the drain, whichever comes first.
    private func wait(_ time: Duration, _ isDone: () -> Bool) async {
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline, !self.life.isHurried, !isDone() {
            guard (try? await Task.sleep(for: Self.pollInterval)) != nil else { return }
        }
    }
}
