// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The scenarios that have names.
enum ScenarioCatalogue {
    static var all: [Scenario] {
        DailyScenarios.all + LossScenarios.all + GrowthScenarios.all + UpgradeScenarios.all + StormScenarios.all
            + LargeScenarios.all
    }
}
