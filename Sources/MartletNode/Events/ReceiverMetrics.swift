// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletInstruments
import MartletProtocol

/// What becomes of the tokens that identity providers deliver.
final class ReceiverMetrics: Sendable {
    private let counters: [EventTokenKind: [String: Counter]]

    init(_ registry: MetricsRegistry, for kinds: some Sequence<EventTokenKind>) {
        var counters: [EventTokenKind: [String: Counter]] = [:]
        for kind in kinds {
            for outcome in ["accepted", "ignored", "refused", "failed"] {
                counters[kind, default: [:]][outcome] = registry.counter(
                    "martlet_event_tokens_total", "Tokens delivered by identity providers, by what became of them.",
                    labels: [("kind", kind.rawValue), ("outcome", outcome)])
            }
        }
        self.counters = counters
    }

    func count(_ kind: EventTokenKind, _ receipt: EventTokenReceipt) {
        let outcome =
            switch receipt {
            case .accepted: "accepted"
            case .ignored: "ignored"
            case .refused: "refused"
            case .failed: "failed"
            }
        self.counters[kind]?[outcome]?.add()
    }
}
