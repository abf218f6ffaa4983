// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a Deployment does about a new version, with `maxSurge: 1`, `maxUnavailable: 0` and `minReadySeconds`: one new
/// node more, and when it was ready for that long, one old node less.
struct RollingUpgrade: Sendable {
    let minReadySeconds: Double

    enum Action: Sendable {
        case none, create, finished
        case terminate(Int)
    }

    func action(_ nodes: [SimulatedNode], wanted: Int, now: Double) -> Action {
        let present = nodes.indices.filter { [.pending, .starting, .ready].contains(nodes[$0].phase) }
        let old = present.filter { nodes[$0].isOutdated }
        let available = present.filter { nodes[$0].phase == .ready && now - nodes[$0].since >= self.minReadySeconds }
        if available.count > wanted || (present.count > wanted && old.isEmpty), let leaving = old.first {
            return .terminate(leaving)
        }
        if old.isEmpty { return .finished }
        return present.count <= wanted ? .create : .none
    }
}
