// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore

/// Puts file, environment and flags together, each above the one before, and gathers everything that is wrong.
package struct ConfigurationReader {
    /// Names in the environment that are no keys.
    private static let reserved: Set<String> = ["MARTLET_CONFIG"]
    private static let keysByName = Dictionary(uniqueKeysWithValues: NodeConfiguration.keys.map { ($0.name, $0) })
    private static let keysByEnvironment = Dictionary(
        uniqueKeysWithValues: NodeConfiguration.keys.map { ($0.environment, $0) })
    /// What lies above keys: `proxy` and `proxy.connect` above `proxy.connect.url`.
    private static let sections = Set(
        NodeConfiguration.keys.flatMap { key in
            let parts = key.name.split(separator: ".")
            return parts.indices.dropFirst().map { parts[..<$0].joined(separator: ".") }
        })

    private var configuration = NodeConfiguration()
    private var problems: [ConfigurationProblem] = []
    private var namespaces: ConfigurationInput?

    /// Reads and checks a configuration.
    ///
    /// - Parameters:
    ///   - file: The path of a YAML or JSON file, and what it holds.
    ///   - environment: The process's; only names that begin with `MARTLET_` matter.
    ///   - flags: Keys and values in the order of the command line; of two for one key the later counts.
    ///   - forNode: Whether a node will start with it. Who only wants a key or an address may do with a part of it.
    package static func read(
        file: (path: String, text: String)? = nil, environment: [String: String] = [:],
        flags: [(key: String, value: String)] = [], forNode: Bool = true
    ) throws(ConfigurationError) -> NodeConfiguration {
        var reader = Self()
        if let file {
            let input = try ConfigurationFile.parse(file.text, path: file.path)
            reader.readSection(input, prefix: "")
        }
        reader.readEnvironment(environment)
        for flag in flags { reader.readFlag(flag.key, flag.value) }
        reader.readNamespaces()
        if reader.problems.isEmpty, forNode { reader.problems = reader.configuration.validate() }
        guard reader.problems.isEmpty else { throw ConfigurationError(reader.problems) }
        return reader.configuration
    }

    /// The same, from the file that `path` or else `MARTLET_CONFIG` names.
    package static func read(
        path: String?, environment: [String: String], flags: [(key: String, value: String)] = [], forNode: Bool = true
    ) throws(ConfigurationError) -> NodeConfiguration {
        let named = environment["MARTLET_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        guard let path = path ?? named else {
            return try Self.read(environment: environment, flags: flags, forNode: forNode)
        }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            let reason =
                switch (error as? CocoaError)?.code {
                case .fileReadNoSuchFile: "there is no such file"
                case .fileReadNoPermission: "permission denied"
                default: error.localizedDescription
                }
            throw ConfigurationError([ConfigurationProblem("\(path) cannot be read: \(reason)")])
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw ConfigurationError([ConfigurationProblem("\(path) is not UTF-8")])
        }
        return try Self.read(file: (path, text), environment: environment, flags: flags, forNode: forNode)
    }

    // MARK: - The three sources

    private mutating func readSection(_ input: ConfigurationInput, prefix: String) {
        switch input.content {
        case .empty: return
        case .map(let entries):
            for entry in entries { self.readEntry(entry, name: prefix + entry.name) }
        default:
            let what = prefix.isEmpty ? "the file" : String(prefix.dropLast())
            self.report("\(what) is \(input.kind), but must hold keys", key: nil, at: input.origin)
        }
    }

    private mutating func readEntry(_ entry: ConfigurationInput.Entry, name: String) {
        if let key = Self.keysByName[name] {
            self.assign(entry.value, to: key)
        } else if name == "namespaces" {
            self.namespaces = entry.value
            self.configuration.origins[name] = entry.origin
        } else if Self.sections.contains(name) {
            self.readSection(entry.value, prefix: name + ".")
        } else {
            self.reportUnknown(name, at: entry.origin)
        }
    }

    private mutating func readEnvironment(_ environment: [String: String]) {
        for (name, value) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix("MARTLET_") && !Self.reserved.contains(name) && !Self.isServiceLink(name) {
            let origin = ConfigurationOrigin.environment(name)
            if let key = Self.keysByEnvironment[name] {
                // Empty is how composition tools write "not set".
                if !value.isEmpty { self.assign(ConfigurationInput(.text(value), at: origin), to: key) }
            } else {
                let known = Self.keysByEnvironment.keys.sorted() + Self.reserved
                let meant = EditDistance.nearest(to: name, among: known).map { "; did you mean \($0)?" }
                self.report("no key has this name" + (meant ?? ""), key: nil, at: origin)
            }
        }
    }

    /// Kubernetes gives every pod variables such as `MARTLET_SERVICE_HOST` and `MARTLET_PORT_8000_TCP_ADDR` for a
    /// service named martlet, which nobody wrote.
    private static func isServiceLink(_ name: String) -> Bool {
        if name.hasSuffix("_SERVICE_HOST") || name.hasSuffix("_PORT") || name.contains("_SERVICE_PORT") { return true }
        let parts = name.split(separator: "_")
        guard let port = parts.lastIndex(of: "PORT"), port + 2 < parts.count else { return false }
        return UInt16(parts[port + 1]) != nil && ["TCP", "UDP", "SCTP"].contains(parts[port + 2])
    }

    private mutating func readFlag(_ name: String, _ value: String) {
        let origin = ConfigurationOrigin.flag("--set \(name)")
        guard let key = Self.keysByName[name] else { return self.reportUnknown(name, at: origin) }
        self.assign(ConfigurationInput(.text(value), at: origin), to: key)
    }

    // MARK: - Namespaces

    /// Last, because what an entry leaves out depends on the mode of the node.
    private mutating func readNamespaces() {
        guard let input = self.namespaces else { return }
        let entries: [ConfigurationInput]
        switch input.content {
        case .empty: return
        case .list(let elements): entries = elements
        default:
            return self.report("namespaces is \(input.kind), but must be a list", key: "namespaces", at: input.origin)
        }
        var names: Set<String> = []
        for entry in entries {
            var options = self.configuration.namespaceDefaults
            let problemsBefore = self.problems.count
            self.readNamespace(entry, into: &options)
            // What could not be read of the entry may be its name.
            guard self.problems.count == problemsBefore || !options.name.isEmpty else { continue }
            if names.insert(options.name).inserted {
                self.configuration.namespaces.append(options)
            } else {
                let what = options.name.isEmpty ? "the entry without a name" : options.name
                self.report("namespaces lists \(what) twice", key: "namespaces", at: entry.origin)
            }
        }
    }

    private mutating func readNamespace(_ input: ConfigurationInput, into options: inout NamespaceOptions) {
        guard case .map(let entries) = input.content else {
            return self.report(
                "an entry of namespaces is \(input.kind), but must hold keys", key: "namespaces", at: input.origin)
        }
        for entry in entries {
            if let key = NamespaceOptions.keys.first(where: { $0.name == entry.name }) {
                self.problems += key.assign(entry.value, &options)
            } else {
                let meant = EditDistance.nearest(to: entry.name, among: NamespaceOptions.keys.map(\.name))
                self.report(
                    "\(entry.name) is no key of a namespace" + (meant.map { "; did you mean \($0)?" } ?? ""),
                    key: "namespaces", at: entry.origin)
            }
        }
    }

    // MARK: - Assigning and reporting

    private mutating func assign(_ input: ConfigurationInput, to key: NodeConfiguration.Key) {
        if case .empty = input.content {
            return self.report(
                "\(key.name) has no value: write one (\(key.expected)), or leave the key out", key: key.name,
                at: input.origin)
        }
        let found = key.assign(input, &self.configuration)
        self.configuration.origins[key.name] = input.origin
        self.problems += found.map { problem in
            guard key.isSecret else { return problem }
            return ConfigurationProblem("\(key.name) must be \(key.expected)", key: key.name, at: problem.origin)
        }
    }

    private mutating func reportUnknown(_ name: String, at origin: ConfigurationOrigin) {
        let known = NodeConfiguration.keys.map(\.name) + Self.sections.sorted() + ["namespaces"]
        let meant = EditDistance.nearest(to: name, among: known).map { "; did you mean \($0)?" }
        self.report("\(name) is no key" + (meant ?? ": see martlet config reference"), key: name, at: origin)
    }

    private mutating func report(_ message: String, key: String?, at origin: ConfigurationOrigin) {
        self.problems.append(ConfigurationProblem(message, key: key, at: origin))
    }
}
