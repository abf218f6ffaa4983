// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Another region is lost: its clients, who were connected there, come here as fast as its names are resolved anew.
///
/// They arrive as newcomers, because here they are; unlike a flash crowd they fall off exponentially, most of them at
/// once and a tail of slow resolvers.
struct RegionFailover: ArrivalPattern {
    var own: Double
    var others: Double
    /// When the region is lost, in seconds.
    var at: Double
    /// Seconds within which about two thirds have come.
    var resolution: Double

    func population(at second: Double) -> Double {
        guard second > self.at else { return self.own }
        return self.own + self.others * (1 - exp(-(second - self.at) / self.resolution))
    }
}
