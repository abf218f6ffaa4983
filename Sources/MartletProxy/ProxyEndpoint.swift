// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletHTTP
import MartletInstruments
import MartletProtocol
import Synchronization

/// One address that questions of one kind go to: so many at a time, some more in a queue, the rest refused, and all of
/// them while it fails.
final class ProxyEndpoint: Sendable {
    typealias Completion = @Sendable (ProxyOutcome) -> Void

    private struct Call: Sendable {
        let body: [UInt8]
        let headers: [(name: String, value: String)]
        let begunAt: Int64
        let completion: Completion
    }

    private struct State {
        var breaker: CircuitBreaker
        var running = 0
        /// In the order they came, so that none has an earlier deadline than one that runs.
        var waiting: [Call] = []
        var warnedAt: Int64?
    }

    /// What became of calls when the lock was held; acted upon when it is not.
    private enum Step {
        case start(Call)
        case refuse(Call, ProxyOutcome.Failure)
    }

    private static let warningInterval: Int64 = 10_000_000_000

    private let method: ProxyMethod
    private let url: String
    private let timeout: Duration
    private let configuration: ProxyConfiguration
    private let pool: HTTPPool
    private let metrics: ProxyMetrics
    private let logger: Logger
    private let state: Mutex<State>

    init(
        _ method: ProxyMethod, _ endpoint: ProxyConfiguration.Endpoint, _ configuration: ProxyConfiguration,
        pool: HTTPPool, metrics: MetricsRegistry, logger: Logger
    ) {
        self.method = method
        self.url = endpoint.url
        self.timeout = endpoint.timeout
        self.configuration = configuration
        self.pool = pool
        self.metrics = ProxyMetrics(method, metrics)
        self.logger = logger
        let backoff = Backoff(base: configuration.pause, ceiling: configuration.pauseMax)
        self.state = Mutex(
            State(
                breaker: CircuitBreaker(
                    failuresMax: configuration.failuresMax, backoff: backoff, pausesWhileClosed: false)))
    }

    func ask(_ body: [UInt8], headers: [(name: String, value: String)], completion: @escaping Completion) {
        let call = Call(body: body, headers: headers, begunAt: Clock.monotonic, completion: completion)
        let step: Step? = self.state.withLock { state in
            if state.running < self.configuration.concurrencyMax, state.waiting.isEmpty {
                return self.next(call, &state)
            }
            if state.breaker.isOpen { return .refuse(call, .circuitOpen) }
            guard state.waiting.count < self.configuration.waitingMax else { return .refuse(call, .overloaded) }
            state.waiting.append(call)
            self.metrics.waiting.set(state.waiting.count)
            return nil
        }
        if let step { self.act(step) }
    }

    /// Whether a call that has its turn may begin.
    private func next(_ call: Call, _ state: inout State) -> Step {
        let now = Clock.monotonic
        // It would have too little of its time left to tell whether the back-end is to blame.
        guard now - call.begunAt <= self.timeout.nanoseconds / 2 else { return .refuse(call, .overloaded) }
        guard state.breaker.mayCall(now: now) else { return .refuse(call, .circuitOpen) }
        state.running += 1
        self.metrics.inFlight.set(state.running)
        return .start(call)
    }

    private func act(_ step: Step) {
        switch step {
        case .refuse(let call, let failure): self.finish(call, .failed(failure))
        case .start(let call):
            // Unstructured, because a shard's thread asks and cannot wait; bounded by the call's time-out.
            Task { await self.run(call) }
        }
    }

    private func run(_ call: Call) async {
        let askedAt = Int64(Clock.wall)
        var http = HTTPCall(
            url: self.url, timeout: self.timeout - .nanoseconds(Clock.monotonic - call.begunAt),
            answerBytesMax: self.configuration.answerBytesMax)
        http.pool = self.pool
        // What the node itself says is not a client's to replace.
        let own = Set(self.configuration.staticHeaders.keys.map { $0.lowercased() })
        http.headers =
            self.configuration.staticHeaders.map { ($0.key, $0.value) }
            + call.headers.filter { !own.contains($0.name.lowercased()) }
        let outcome: ProxyOutcome
        var isAlive = true
        do {
            let body = try await http.post(call.body)
            outcome = .answered(try ProxyAnswer(self.method, body.span), askedAt: askedAt)
        } catch {
            let failure = Self.failure(error)
            // A server that refuses, or talks nonsense, is there.
            isAlive = failure == .malformed || (error as? HTTPCall.Refusal).map { $0.status < 500 } ?? false
            outcome = .failed(failure)
            self.warn("\(error)")
        }
        // Who hears of the outcome may ask again at once, and should meet the state that follows from it.
        self.ended(isAlive: isAlive)
        self.finish(call, outcome)
    }

    private static func failure(_ error: any Error) -> ProxyOutcome.Failure {
        switch error {
        case is ProxyAnswer.Malformed: .malformed
        case is HTTPCall.Refusal: .status
        case is HTTPPool.Ended: .stopped
        case _ where HTTPCall.isTooLong(error): .malformed
        case _ where HTTPCall.isTimeout(error): .timeout
        default: .unreachable
        }
    }

    private func finish(_ call: Call, _ outcome: ProxyOutcome) {
        self.metrics.count(outcome)
        self.metrics.seconds.observe(Double(Clock.monotonic - call.begunAt) / 1e9)
        call.completion(outcome)
    }

    /// A call has ended: its place goes to those that wait.
    private func ended(isAlive: Bool) {
        let (steps, wasOpen, isOpen): ([Step], Bool, Bool) = self.state.withLock { state in
            let wasOpen = state.breaker.isOpen
            if isAlive { state.breaker.callSucceeded() } else { state.breaker.callFailed(now: Clock.monotonic) }
            state.running -= 1
            var steps: [Step] = []
            var taken = 0
            while taken < state.waiting.count, state.running < self.configuration.concurrencyMax {
                steps.append(self.next(state.waiting[taken], &state))
                taken += 1
            }
            state.waiting.removeFirst(taken)
            self.metrics.waiting.set(state.waiting.count)
            self.metrics.inFlight.set(state.running)
            self.metrics.circuitOpen.set(state.breaker.isOpen ? 1 : 0)
            return (steps, wasOpen, state.breaker.isOpen)
        }
        if wasOpen != isOpen { self.circuitChanged(isOpen: isOpen) }
        for step in steps { self.act(step) }
    }

    private func circuitChanged(isOpen: Bool) {
        let metadata: Logger.Metadata = ["method": "\(self.method.rawValue)", "url": "\(self.url)"]
        if isOpen {
            self.logger.warning("The back-end is left alone for a while: it fails", metadata: metadata)
        } else {
            self.logger.info("The back-end answers again", metadata: metadata)
        }
    }

    /// At a limited rate: clients decide how often it happens.
    private func warn(_ what: String) {
        let now = Clock.monotonic
        let isDue = self.state.withLock { state in
            if let warnedAt = state.warnedAt, now - warnedAt < Self.warningInterval { return false }
            state.warnedAt = now
            return true
        }
        guard isDue else { return }
        self.logger.warning(
            "The back-end did not decide",
            metadata: ["method": "\(self.method.rawValue)", "url": "\(self.url)", "error": "\(what)"])
    }
}
