// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// The life of a connection that is made again whenever it ends: connect, greet, open, wait, connect again.
///
/// Each attempt has a number. What is said about an attempt that is not the present one comes too late and changes
/// nothing.
package struct RedisLinkStateMachine: Sendable {
    /// What a reply to a greeting must be.
    package enum Greeting: Sendable {
        case required, optional
    }

    package enum State: Equatable, Sendable {
        case idle
        case connecting
        case greeting(replied: Int)
        case open
        case waiting
        case stopped
    }

    package enum StartAction: Equatable {
        case connect(attempt: Int)
        case none
    }

    package enum ConnectedAction: Equatable {
        case greet
        /// A connection nobody wants any more.
        case close
    }

    package enum ReplyAction: Equatable {
        /// The reply belongs to the owner of the link.
        case deliver
        case opened
        case fail(RedisError)
        case none
    }

    package enum EndAction: Equatable {
        case retry(after: Duration, wasOpen: Bool)
        case none
    }

    package private(set) var state = State.idle
    package private(set) var attempt = 0
    private let greetings: [Greeting]
    private var backoff: Backoff

    package init(greetings: [Greeting], backoff: Backoff) {
        self.greetings = greetings
        self.backoff = backoff
    }

    package mutating func started() -> StartAction {
        guard self.state == .idle else { return .none }
        return self.connect()
    }

    package mutating func connected(attempt: Int) -> ConnectedAction {
        guard attempt == self.attempt, self.state == .connecting else { return .close }
        self.state = .greeting(replied: 0)
        return .greet
    }

    package mutating func replied(_ reply: RESPValue, attempt: Int) -> ReplyAction {
        guard attempt == self.attempt else { return .none }
        switch self.state {
        case .open: return .deliver
        case .greeting(let replied): return self.greeted(reply, index: replied)
        case .idle, .connecting, .waiting, .stopped: return .none
        }
    }

    /// The connection, or the attempt to make it, ended or took too long, or its owner gave it up.
    package mutating func ended(attempt: Int, random: Double = .random(in: 0..<1)) -> EndAction {
        guard attempt == self.attempt else { return .none }
        switch self.state {
        case .connecting, .greeting, .open:
            let wasOpen = self.state == .open
            self.state = .waiting
            return .retry(after: self.backoff.next(random: random), wasOpen: wasOpen)
        case .idle, .waiting, .stopped:
            return .none
        }
    }

    /// The time for an attempt passed.
    package mutating func deadlinePassed(attempt: Int, random: Double = .random(in: 0..<1)) -> EndAction {
        self.state == .open ? .none : self.ended(attempt: attempt, random: random)
    }

    package mutating func waited(attempt: Int) -> StartAction {
        guard attempt == self.attempt, self.state == .waiting else { return .none }
        return self.connect()
    }

    package mutating func stopped() { self.state = .stopped }

    private mutating func connect() -> StartAction {
        self.attempt += 1
        self.state = .connecting
        return .connect(attempt: self.attempt)
    }

    private mutating func greeted(_ reply: RESPValue, index: Int) -> ReplyAction {
        guard index < self.greetings.count else { return .fail(.violation("a reply that nothing asked for")) }
        if case .error(let text) = reply, self.greetings[index] == .required { return .fail(.refused(text)) }
        guard index + 1 == self.greetings.count else {
            self.state = .greeting(replied: index + 1)
            return .none
        }
        self.state = .open
        self.backoff.reset()
        return .opened
    }
}
