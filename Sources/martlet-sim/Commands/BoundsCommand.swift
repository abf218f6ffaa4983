// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `martlet-sim bounds`.
struct BoundsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bounds",
        abstract: "Compute what breaks first as a cluster grows, from measured costs, as a table in Markdown.")

    @Option(help: "Connections of the whole cluster.")
    var connections = 100_000_000.0

    @Option(help: "Its nodes.")
    var nodes = 2_000.0

    func validate() throws {
        guard self.connections >= 1, self.nodes >= 1, self.connections < 1e12, self.nodes < 1e9 else {
            throw ValidationError("connections and nodes are numbers from 1 on")
        }
    }

    func run() {
        let workload = Workload(connections: self.connections, nodes: self.nodes)
        print("| breaks at | what | load at \(self.connections.short) | of | computed as | the way past it |")
        print("| --- | --- | --- | --- | --- | --- |")
        for bound in BoundCatalogue.all(workload) {
            let breaks = bound.breaks(workload)
            let nodes = workload.scaled(to: breaks).nodes
            let place =
                breaks.isFinite
                ? "\((breaks / 1e6).rough) million (\(nodes.rounded(.up).short) nodes)" : "–"
            print(
                "| \(place) | \(bound.what) | \(bound.load(workload).rough) \(bound.unit) |"
                    + " \(bound.capacity.short) | \(bound.arithmetic) | \(bound.wayPast) |")
        }
    }
}

extension Double {
    /// Two or three digits that count.
    var rough: String {
        guard self.isFinite, self != 0 else { return self.short }
        var unit = 1.0
        while abs(self) / unit >= 1_000 { unit *= 10 }
        while abs(self) / unit < 100, unit > 0.001 { unit /= 10 }
        return ((self / unit).rounded() * unit).short
    }
}
