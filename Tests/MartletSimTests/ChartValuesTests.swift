// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import martlet_sim

@Suite("The chart's values")
struct ChartValuesTests {
    private static let values = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let text = try? String(contentsOf: root.appending(path: "Helm/martlet/values.yaml"), encoding: .utf8)
        return (text ?? "").split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }()

    @Test(
        "What the simulation takes for the chart's defaults are those",
        arguments: [
            ("connections_max", "\(ChartValues.connectionsMax)"),
            ("connects_per_second", "\(Int(ChartValues.connectsPerSecond))"),
            ("delay", "\(Int(ChartValues.drainDelay))s"), ("window", "\(Int(ChartValues.drainWindow))s"),
            ("min", "\(ChartValues.nodesMin)"), ("max", "\(ChartValues.nodesMax)"),
            ("utilization", "\(ChartValues.utilization)"), ("pollingInterval", "\(Int(ChartValues.pollingInterval))"),
        ])
    func numbers(key: String, value: String) {
        #expect(Self.values.filter { $0.hasPrefix("\(key): ") } == ["\(key): \(value)"])
    }

    @Test("The same of how fast it scales")
    func behavior() {
        func lines(_ rules: ScalingRules) -> [String] {
            ["stabilizationWindowSeconds: \(Int(rules.stabilizationWindow))", "selectPolicy: Max", "policies:"]
                + rules.policies.map { policy in
                    let kind = policy.kind == .percent ? "Percent" : "Pods"
                    return "- {type: \(kind), value: \(policy.value), periodSeconds: \(Int(policy.period))}"
                }
        }
        let behavior = ChartValues.behavior
        for (name, rules) in [("scaleUp:", behavior.scaleUp), ("scaleDown:", behavior.scaleDown)] {
            let expected = lines(rules)
            let start = Self.values.firstIndex(of: name).map { $0 + 1 } ?? 0
            #expect(Array(Self.values.dropFirst(start).prefix(expected.count)) == expected, "\(name)")
        }
    }
}
