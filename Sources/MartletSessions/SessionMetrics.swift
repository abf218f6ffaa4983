// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletInstruments
package import MartletProtocol

/// What tokens, revocations and validations count, under the names that dashboards and alerts rely on.
package final class SessionMetrics: Sendable {
    let tokensVerified: Counter
    private let tokensRejected: [String: Counter]
    let keySetsFetched: Counter
    let keySetsFailed: Counter

    private let invalidations: [String: Counter]
    private let invalidationsBadByReason: [String: Counter]
    /// Invalidations that could not be read, for whatever reason.
    package let invalidationsBad: Counter
    /// Records of revocation topics about something else; counted by whoever reads them.
    package let invalidationsIgnored: Counter
    /// Tokens of an identity provider that were taken although their key is not known; counted likewise.
    package let invalidationsUnverified: Counter
    /// Invalidations dated too far in the future, taken as of now; counted by whoever reads them.
    package let invalidationsClamped: Counter
    let revocationsEvicted: Counter

    let validationsActive: Counter
    let validationsRevoked: Counter
    let validationsUnknown: Counter
    let validationsWithheld: Counter
    let validationCallsDone: Counter
    let validationCallsFailed: Counter
    let validationOverdue: Gauge
    let validationStale: Counter
    let validationImpossible: Counter
    private let admissions: [String: Counter]
    let validationCircuitOpen: Gauge
    let validationGuard: Gauge
    let missedPush: Counter

    private let registry: MetricsRegistry

    package init(_ registry: MetricsRegistry) {
        self.registry = registry
        self.tokensVerified = registry.counter("martlet_tokens_verified_total", "Tokens accepted.")
        self.tokensRejected = Self.counters(
            registry, "martlet_tokens_rejected_total", "Tokens rejected, by why.", "reason",
            TokenRejection.examples.map(\.name))
        let keySets = Self.counters(
            registry, "martlet_key_set_fetches_total", "Fetches of the JSON Web Key Set.", "outcome", ["ok", "failed"])
        self.keySetsFetched = keySets["ok"] ?? Counter()
        self.keySetsFailed = keySets["failed"] ?? Counter()
        self.invalidations = Self.counters(
            registry, "martlet_invalidations_total", "Invalidations received, by what became of them.", "outcome",
            ["added", "known", "expired", "bad", "ignored"])
        self.invalidationsBad = self.invalidations["bad"] ?? Counter()
        self.invalidationsIgnored = self.invalidations["ignored"] ?? Counter()
        self.invalidationsBadByReason = Self.counters(
            registry, "martlet_invalidations_bad_total", "Invalidations that could not be taken, by why.", "reason",
            BadRecordReason.allCases.map(\.rawValue))
        self.invalidationsUnverified = registry.counter(
            "martlet_invalidations_unverified_total",
            "Tokens of identity providers taken from a topic although their key is not known.")
        self.invalidationsClamped = registry.counter(
            "martlet_invalidations_clamped_total",
            "Invalidations dated in the future and taken as of when they were written, or came.")
        self.revocationsEvicted = registry.counter(
            "martlet_revocations_evicted_total", "Revocations forgotten early because the table was full.")
        let validations = Self.counters(
            registry, "martlet_validations_total", "Sessions asked about, by what the authority said.", "outcome",
            ["active", "revoked", "unknown", "withheld"])
        self.validationsActive = validations["active"] ?? Counter()
        self.validationsRevoked = validations["revoked"] ?? Counter()
        self.validationsUnknown = validations["unknown"] ?? Counter()
        self.validationsWithheld = validations["withheld"] ?? Counter()
        let calls = Self.counters(
            registry, "martlet_validation_calls_total", "Calls to the authority.", "outcome", ["ok", "failed"])
        self.validationCallsDone = calls["ok"] ?? Counter()
        self.validationCallsFailed = calls["failed"] ?? Counter()
        self.validationOverdue = registry.gauge(
            "martlet_validation_overdue_sessions", "Sessions whose validation is due and has not been answered.")
        self.validationStale = registry.counter(
            "martlet_validation_stale_total", "Sessions whose last good answer became older than the bound.")
        self.validationImpossible = registry.counter(
            "martlet_validation_impossible_total",
            "Connections whose tokens lack what the authority is asked by: they are not validated.")
        self.admissions = Self.counters(
            registry, "martlet_validation_admissions_total",
            "Connections that waited for the authority before they were let in, by what came of it.", "outcome",
            ValidationAdmission.allCases.map(\.rawValue))
        self.validationCircuitOpen = registry.gauge(
            "martlet_validation_circuit_open", "Whether calls to the authority are held back after failures.")
        self.validationGuard = registry.gauge(
            "martlet_validation_guard_active",
            "Whether so many sessions were called dead that none is closed for it any more.")
        self.missedPush = registry.counter(
            "martlet_missed_push_total", "Sessions found dead by validation of which no event had told.")
    }

    /// Invalidations that were taken, from any source.
    package var invalidationsTaken: Int {
        let all = self.invalidations.values.reduce(0) { $0 + $1.total }
        return all - self.invalidationsBad.total - self.invalidationsIgnored.total
    }

    /// An invalidation could not be taken.
    package func bad(_ reason: BadRecordReason) {
        self.invalidationsBad.add()
        self.invalidationsBadByReason[reason.rawValue]?.add()
    }

    func rejected(_ rejection: TokenRejection) { self.tokensRejected[rejection.name]?.add() }
    func admitted(_ admission: ValidationAdmission, count: Int = 1) { self.admissions[admission.rawValue]?.add(count) }
    func inserted(_ insertion: Insertion) { self.invalidations[insertion.rawValue]?.add() }

    /// Shows a table's size and floor.
    func observe(_ table: RevocationTable) {
        self.registry.reader("martlet_revocations", .gauge, "Revocations remembered.") { [weak table] in
            Double(table?.count ?? 0)
        }
        self.registry.reader("martlet_revocation_table_bytes", .gauge, "Memory of the revocations.") { [weak table] in
            Double(table?.bytes ?? 0)
        }
        self.registry.reader(
            "martlet_revocation_floor_seconds", .gauge,
            "Tokens issued up to this time (UNIX seconds) may have a forgotten revocation; zero for none."
        ) { [weak table] in Double(table?.floor ?? 0) }
    }

    /// Shows how many sessions are known.
    func observe(_ roster: SessionRoster) {
        self.registry.reader("martlet_sessions", .gauge, "Sessions with an open connection here.") { [weak roster] in
            Double(roster?.count ?? 0)
        }
    }

    private static func counters(
        _ registry: MetricsRegistry, _ name: String, _ help: String, _ label: String, _ values: [String]
    ) -> [String: Counter] {
        var counters: [String: Counter] = [:]
        for value in values { counters[value] = registry.counter(name, help, labels: [(label, value)]) }
        return counters
    }
}

extension TokenRejection {
    /// One of each, for their names.
    fileprivate static let examples: [TokenRejection] = [
        .tooLong, .malformed, .unsupportedAlgorithm, .unknownKey, .keysUnavailable, .badSignature, .expired,
        .notYetValid, .wrongIssuer, .wrongAudience, .unbounded(claim: "exp"),
    ]
}
