// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Yams

/// Reads YAML, and JSON as the YAML it is, into inputs that know their line.
package enum ConfigurationFile {
    /// Deeper nesting than any key has; ends documents that nest for nesting's sake.
    private static let depthMax = 8

    package static func parse(_ text: String, path: String) throws(ConfigurationError) -> ConfigurationInput {
        let start = ConfigurationOrigin.file(path: path, line: 1, column: 1)
        do {
            guard let node = try Yams.compose(yaml: text) else { return ConfigurationInput(.empty, at: start) }
            return try Self.input(node, path: path, depth: 0)
        } catch let error as ConfigurationError {
            throw error
        } catch let error as YamlError {
            throw ConfigurationError([Self.problem(error, path: path, start: start)])
        } catch {
            throw ConfigurationError([ConfigurationProblem("\(error)", at: start)])
        }
    }

    private static func input(_ node: Yams.Node, path: String, depth: Int) throws -> ConfigurationInput {
        let mark = node.mark
        let origin = ConfigurationOrigin.file(path: path, line: mark?.line ?? 1, column: mark?.column ?? 1)
        guard depth <= Self.depthMax else {
            throw ConfigurationError([ConfigurationProblem("nested too deeply", at: origin)])
        }
        switch node {
        case .scalar(let scalar):
            // Only a plain scalar is null: "null" and "" in quotes are text.
            let isNull = scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
            return ConfigurationInput(isNull ? .empty : .text(scalar.string), at: origin)
        case .sequence(let sequence):
            return ConfigurationInput(
                .list(try sequence.map { try Self.input($0, path: path, depth: depth + 1) }), at: origin)
        case .mapping(let mapping):
            let entries = try mapping.map { name, value in
                let place = name.mark.map {
                    ConfigurationOrigin.file(path: path, line: $0.line, column: $0.column)
                }
                return ConfigurationInput.Entry(
                    name: name.scalar?.string ?? "", origin: place ?? origin,
                    value: try Self.input(value, path: path, depth: depth + 1))
            }
            return ConfigurationInput(.map(entries), at: origin)
        case .alias:
            throw ConfigurationError([ConfigurationProblem("this alias refers to nothing", at: origin)])
        }
    }

    private static func problem(
        _ error: YamlError, path: String, start: ConfigurationOrigin
    ) -> ConfigurationProblem {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            ConfigurationProblem(problem, at: .file(path: path, line: mark.line, column: mark.column))
        case .duplicatedKeysInMapping(let duplicates, let context):
            ConfigurationProblem(
                "\(duplicates.map { "\($0)" }.joined(separator: ", ")) stands here more than once",
                at: .file(path: path, line: context.mark.line, column: context.mark.column))
        default:
            ConfigurationProblem("\(error)", at: start)
        }
    }
}
