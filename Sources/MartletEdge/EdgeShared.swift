// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
package import MartletPolicy
package import MartletProxy
package import MartletSessions
import MartletWire
import Synchronization

/// What the shards of a node share at their edge: who may come in, and where sessions are known.
package final class EdgeShared: Sendable {
    package let configuration: EdgeConfiguration
    package let verifier: TokenVerifier
    package let revocations: RevocationTable
    package let roster: SessionRoster?
    /// Who asks the authority over sessions, or nil.
    package let validation: ValidationService?
    package let metrics: EdgeMetrics
    /// The back-end that decides, or nil.
    package let proxy: BackendProxy?
    package let clients: ClientIdentifier
    package let emulation: EmulationRelay
    let cors: CORS
    let origins: OriginPolicy
    let httpLimits: HTTPLimits
    /// What event streams begin with, or nil.
    let eventPadding: [UInt8]?
    private let admission: Mutex<Admission>
    private let fetchKeys: @Sendable () -> Void
    private let draining = Atomic<Bool>(false)
    private let places: Atomic<Int>
    private let countsAddresses: Atomic<Bool>
    private let countsUsers: Atomic<Bool>

    /// - Parameters:
    ///   - roster: Nil where nothing validates sessions.
    ///   - proxy: Nil where no back-end decides.
    ///   - fetchKeys: Asks for keys that a token names and the verifier lacks; every shard is told the outcome.
    package init(
        configuration: EdgeConfiguration, verifier: TokenVerifier, revocations: RevocationTable,
        roster: SessionRoster?, validation: ValidationService? = nil, metrics: EdgeMetrics, clients: ClientIdentifier,
        emulation: EmulationRelay, capacity: Int, admission: Admission, proxy: BackendProxy? = nil,
        fetchKeys: @escaping @Sendable () -> Void
    ) {
        self.configuration = configuration
        self.verifier = verifier
        self.revocations = revocations
        self.roster = roster
        self.validation = validation
        self.metrics = metrics
        self.proxy = proxy
        self.clients = clients
        self.emulation = emulation
        self.places = Atomic(capacity)
        self.countsAddresses = Atomic(configuration.limits.connectionsPerAddressMax != nil)
        self.countsUsers = Atomic(configuration.limits.connectionsPerUserMax != nil)
        self.cors = CORS(allowedOrigins: configuration.origins)
        self.origins = OriginPolicy(isDevelopment: configuration.isDevelopment, cors: self.cors)
        self.httpLimits = HTTPLimits(headBytesMax: configuration.limits.headBytesMax)
        // With its colon and its line feed.
        let padding = configuration.eventPaddingBytes
        self.eventPadding =
            padding > 0 ? EventStreamEncoder.comment(String(repeating: " ", count: max(0, padding - 2))) : nil
        self.admission = Mutex(admission)
        self.fetchKeys = fetchKeys
    }

    var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    func requestKeys() { self.fetchKeys() }

    // MARK: - Admission

    /// Whether the address of a connection must be remembered for its limit.
    var limitsAddresses: Bool { self.countsAddresses.load(ordering: .relaxed) }
    var limitsUsers: Bool { self.countsUsers.load(ordering: .relaxed) }

    /// How many connections the node takes.
    package var capacity: Int { self.places.load(ordering: .relaxed) }

    /// Takes other limits for those who come from now on.
    package func reconfigure(_ configuration: AdmissionConfiguration) {
        self.places.store(configuration.connectionsMax, ordering: .relaxed)
        self.countsAddresses.store(configuration.connectionsPerAddressMax != nil, ordering: .relaxed)
        self.countsUsers.store(configuration.connectionsPerUserMax != nil, ordering: .relaxed)
        self.admission.withLock { $0.reconfigure(configuration, now: Clock.monotonic) }
    }

    /// What the node is doing, as far as it decides who may come; see `Admission.enter`.
    package func setAdmission(_ mode: Admission.Mode) {
        self.admission.withLock { $0.enter(mode, now: Clock.monotonic) }
        if mode == .draining { self.endKeptAlive() }
    }

    /// From now on every answer ends its connection.
    package func endKeptAlive() { self.draining.store(true, ordering: .relaxed) }

    /// Takes a drain back.
    package func reopen() {
        self.admission.withLock { $0.reopen(now: Clock.monotonic) }
        self.draining.store(false, ordering: .relaxed)
    }

    /// Whether clients were turned away of late because too many came at once.
    package func isRefusing(within nanoseconds: Int64) -> Bool {
        guard let last = self.admission.withLock({ $0.refusedForRateAt }) else { return false }
        return Clock.monotonic - last <= nanoseconds
    }

    package var isFull: Bool { self.placesTaken >= self.capacity }

    /// Places that connections hold, of those that `capacity` counts.
    var placesTaken: Int { self.admission.withLock { $0.connections } }

    func admit(_ address: PeerAddress, now: Int64, isLetIn: Bool) -> AdmissionVerdict {
        self.admission.withLock { $0.admit(address, now: now, isLetIn: isLetIn) }
    }

    func admit(user: String) -> AdmissionVerdict { self.admission.withLock { $0.admit(user: user) } }

    func release(_ address: PeerAddress, user: String?) {
        self.admission.withLock { $0.released(address, user: user) }
    }

    /// Gives back a user's place and keeps the connection's.
    func release(user: String) { self.admission.withLock { $0.released(user: user) } }
}
