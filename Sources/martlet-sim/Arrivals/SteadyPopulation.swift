// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// As many come as leave.
struct SteadyPopulation: ArrivalPattern {
    var clients: Double

    func population(at second: Double) -> Double { self.clients }
}
