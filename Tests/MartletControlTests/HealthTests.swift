// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletControl
import MartletInstruments
import NIOHTTP1
import Testing

@Suite struct HealthTests {
    @Test func healthIsThatTheProcessWorks() async throws {
        let operations = FakeOperations(readiness: Readiness(state: .starting))
        try await ControlClient.serving(ControlConfiguration(), operations) { client in
            let answer = try await client.get("/healthz")
            #expect(answer.status == 200)
            #expect(answer.body == "ok\n")
        }
    }

    @Test func readinessSaysWhichStateAndWhy() async throws {
        let operations = FakeOperations()
        try await ControlClient.serving(ControlConfiguration(), operations) { client in
            for state in Readiness.State.allCases {
                operations.become(Readiness(state: state, reasons: ["because"], degraded: []))
                let answer = try await client.get("/readyz")
                #expect(answer.status == (state == .ready ? 200 : 503))
                #expect(answer.headers.first(name: "Content-Type") == "application/json")
                let readiness = try JSONDecoder().decode(Answer.self, from: Data(answer.body.utf8))
                #expect(readiness == Answer(state: state.rawValue, reasons: ["because"], degraded: []))
            }
        }
    }

    @Test func aDegradedNodeStaysReady() async throws {
        let operations = FakeOperations(readiness: Readiness(state: .ready, degraded: ["redis: away for 3 s"]))
        try await ControlClient.serving(ControlConfiguration(), operations) { client in
            let answer = try await client.get("/readyz")
            #expect(answer.status == 200)
            let readiness = try JSONDecoder().decode(Answer.self, from: Data(answer.body.utf8))
            #expect(readiness.degraded == ["redis: away for 3 s"])
        }
    }

    @Test func metricsAreTextThatPrometheusReads() async throws {
        let operations = FakeOperations()
        Self.fill(operations.metrics)
        try await ControlClient.serving(ControlConfiguration(), operations) { client in
            let answer = try await client.get("/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers.first(name: "Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer.body.contains("\nmartlet_open_connections 5\n"))
            #expect(answer.body.contains("martlet_connections_closed_total{reason=\"slow\"} 1\n"))
        }
    }

    private static let promtool = "/usr/bin/promtool"

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: promtool), "promtool is not installed"))
    func promtoolFindsNothingInTheMetrics() async throws {
        let operations = FakeOperations()
        Self.fill(operations.metrics)
        try await ControlClient.serving(ControlConfiguration(), operations) { client in
            let exposition = try await client.get("/metrics").body
            let process = Process()
            let (input, output) = (Pipe(), Pipe())
            process.executableURL = URL(fileURLWithPath: Self.promtool)
            process.arguments = ["check", "metrics"]
            (process.standardInput, process.standardOutput, process.standardError) = (input, output, output)
            try process.run()
            try input.fileHandleForWriting.write(contentsOf: Data(exposition.utf8))
            try input.fileHandleForWriting.close()
            let said = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(String(decoding: said, as: UTF8.self))")
            #expect(said.isEmpty, "\(String(decoding: said, as: UTF8.self))")
        }
    }

    private struct Answer: Decodable, Equatable {
        var state: String
        var reasons: [String]
        var degraded: [String]
    }

    private static func fill(_ metrics: MetricsRegistry) {
        metrics.gauge("martlet_open_connections", "Open connections.").set(5)
        metrics.counter("martlet_connections_closed_total", "Closed.", labels: [("reason", "slow")]).add()
        metrics.histogram("martlet_revocation_lag_seconds", "From the event to the close.").observe(0.002)
        metrics.reader("martlet_channels", .gauge, "Channels with a subscriber.") { 1.5 }
    }
}
