// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletInstruments
import MartletProtocol

/// What one endpoint counts.
final class ProxyMetrics: Sendable {
    let inFlight: Gauge
    let waiting: Gauge
    let circuitOpen: Gauge
    let seconds: Histogram
    private let outcomes: [String: Counter]

    init(_ method: ProxyMethod, _ registry: MetricsRegistry) {
        let label = ("method", method.rawValue)
        self.outcomes = Dictionary(
            uniqueKeysWithValues: Self.names.map {
                (
                    $0,
                    registry.counter(
                        "martlet_proxy_calls_total", "Questions to the back-end, by what came of them.",
                        labels: [label, ("outcome", $0)])
                )
            })
        self.seconds = registry.histogram(
            "martlet_proxy_seconds", "From a question to the back-end to its answer, waiting included.",
            labels: [label])
        self.inFlight = registry.gauge(
            "martlet_proxy_calls_in_flight", "Questions to the back-end that are not answered yet.", labels: [label])
        self.waiting = registry.gauge(
            "martlet_proxy_calls_waiting", "Questions that wait because enough are under way.", labels: [label])
        self.circuitOpen = registry.gauge(
            "martlet_proxy_circuit_open", "1 while a back-end that failed is left alone.", labels: [label])
    }

    private static let names = ["ok", "error", "disconnect"] + ProxyOutcome.Failure.allCases.map(\.rawValue)

    func count(_ outcome: ProxyOutcome) { self.outcomes[Self.name(outcome)]?.add() }

    private static func name(_ outcome: ProxyOutcome) -> String {
        switch outcome {
        case .answered(.error, _): "error"
        case .answered(.disconnect, _): "disconnect"
        case .answered: "ok"
        case .failed(let failure): failure.rawValue
        }
    }
}
