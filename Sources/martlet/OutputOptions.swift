// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MartletNode

/// Prints for people or, with `--json`, for programs.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false

    /// - Parameters:
    ///   - text: For people.
    ///   - value: The same for programs.
    func print(_ text: String, _ value: some Encodable) throws {
        Swift.print(self.json ? try Self.encode(value) : text)
    }

    /// Runs the body of a command; what it throws is told on standard error, and becomes the exit code.
    func reporting(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let failure as Failure {
            try self.tell(failure)
            throw ExitCode(failure.code.rawValue)
        } catch let error as ConfigurationError {
            try self.tell(Failure(error))
            throw ExitCode(Failure.Code.configuration.rawValue)
        }
    }

    private func tell(_ failure: Failure) throws {
        var text = "martlet: \(failure.message)\n"
        for problem in failure.problems { text += "  \(problem)\n" }
        if let advice = failure.advice { text += "\(advice)\n" }
        if self.json { text = try Self.encode(Told(failure)) + "\n" }
        FileHandle.standardError.write(Data(text.utf8))
    }

    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private struct Told: Encodable {
        struct Problem: Encodable {
            let key: String?
            let origin: String?
            let message: String
        }

        let error: String
        let advice: String?
        let code: Int32
        let problems: [Problem]?

        init(_ failure: Failure) {
            self.error = failure.message
            self.advice = failure.advice
            self.code = failure.code.rawValue
            let problems = failure.problems.map {
                Problem(key: $0.key, origin: $0.origin?.description, message: $0.message)
            }
            self.problems = problems.isEmpty ? nil : problems
        }
    }
}
