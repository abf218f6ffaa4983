// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MartletNode

/// Why a command did not do what it was asked, and what to do about it.
struct Failure: Error {
    /// The exit codes, those of sysexits.h where it has one.
    enum Code: Int32 {
        case failed = 1
        case usage = 64
        case data = 65
        case unavailable = 69
        case permission = 77
        case configuration = 78
    }

    var code: Code
    var message: String
    /// What to do.
    var advice: String?
    var problems: [ConfigurationProblem] = []

    init(_ code: Code, _ message: String, advice: String? = nil) {
        self.code = code
        self.message = message
        self.advice = advice
    }

    init(_ error: ConfigurationError) {
        self.init(
            .configuration, "the configuration is wrong", advice: "All keys: martlet config reference")
        self.problems = error.problems
    }
}
