// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One key of a configuration: its name, its kind, what it means, and how it reaches its field.
///
/// Reading, checking and the reference all follow from it; the default is what the field holds in a fresh value.
package struct ConfigurationKey<Root: Sendable>: Sendable {
    package enum Shape: Sendable {
        case single, list, map
    }

    /// Dotted, as in the file: `drain.window`.
    package let name: String
    package let kind: String
    /// What a message says was expected.
    package let expected: String
    package let shape: Shape
    package let summary: String
    /// As it would be written, or words; nil for none.
    package let defaultText: String?
    /// The default is said in words.
    package let hasComputedDefault: Bool
    /// Never printed, neither in a message nor by `config check`.
    package private(set) var isSecret = false
    /// A node that runs takes a new value over when the configuration is read again.
    package private(set) var isLive = false

    let assign: @Sendable (ConfigurationInput, inout Root) -> [ConfigurationProblem]
    /// What a configuration holds, as it would be written.
    let read: @Sendable (Root) -> String?

    /// `MARTLET_DRAIN_WINDOW`.
    package var environment: String {
        "MARTLET_" + self.name.uppercased().split(separator: ".").joined(separator: "_")
    }

    /// What a configuration holds, fit to be shown to people.
    package func shownValue(in root: Root) -> String { self.isSecret ? "(secret)" : self.read(root) ?? "" }

    /// The same key, whose value is never shown.
    var secret: Self {
        var copy = self
        copy.isSecret = true
        return copy
    }

    /// The same key, which may change while a node runs.
    var live: Self {
        var copy = self
        copy.isLive = true
        return copy
    }
}

// MARK: - The three shapes

extension ConfigurationKey {
    typealias Path<Value> = any WritableKeyPath<Root, Value> & Sendable

    static func value<Value>(
        _ name: String, _ path: Path<Value>, _ codec: ConfigurationCodec<Value>, in fresh: Root, _ summary: String
    ) -> Self {
        Self(
            name: name, kind: codec.kind, expected: codec.expected, shape: .single, summary: summary,
            defaultText: codec.render(fresh[keyPath: path]), hasComputedDefault: false,
            assign: { input, root in
                Self.parse(input, codec, name) { root[keyPath: path] = $0 }
            }, read: { codec.render($0[keyPath: path]) })
    }

    /// - Parameter absent: What holds as long as nothing is written, in words.
    static func optional<Value>(
        _ name: String, _ path: Path<Value?>, _ codec: ConfigurationCodec<Value>, absent: String? = nil,
        _ summary: String
    ) -> Self {
        Self(
            name: name, kind: codec.kind, expected: codec.expected, shape: .single, summary: summary,
            defaultText: absent, hasComputedDefault: true,
            assign: { input, root in
                Self.parse(input, codec, name) { root[keyPath: path] = $0 }
            }, read: { $0[keyPath: path].map(codec.render) })
    }

    static func list<Value>(
        _ name: String, _ path: Path<[Value]>, _ codec: ConfigurationCodec<Value>, absent: String? = nil,
        _ summary: String
    ) -> Self {
        Self(
            name: name, kind: "list of \(codec.kind)", expected: codec.expected, shape: .list, summary: summary,
            defaultText: absent, hasComputedDefault: true,
            assign: { input, root in
                var problems: [ConfigurationProblem] = []
                var values: [Value] = []
                for element in input.elements {
                    problems += Self.parse(element, codec, name) { values.append($0) }
                }
                root[keyPath: path] = values
                return problems
            }, read: { root in root[keyPath: path].map(codec.render).joined(separator: ",") })
    }

    /// A list whose entries are texts or sections with keys of their own, the first of which each must have.
    ///
    /// - Parameter located: Notes where an entry was written.
    static func entries<Entry: Sendable>(
        _ name: String, _ path: Path<[Entry]>, _ short: ConfigurationCodec<Entry>,
        _ keys: [ConfigurationKey<Entry>], fresh: Entry,
        located: @escaping @Sendable (inout Root, Entry, ConfigurationOrigin) -> Void, _ summary: String
    ) -> Self {
        Self(
            name: name, kind: "list of \(short.kind)", expected: short.expected, shape: .list, summary: summary,
            defaultText: nil, hasComputedDefault: true,
            assign: { input, root in
                var problems: [ConfigurationProblem] = []
                var values: [Entry] = []
                for element in input.elements {
                    var entry: Entry?
                    if case .map(let fields) = element.content {
                        entry = fresh
                        problems += Self.read(fields, keys, at: element.origin, of: name, into: &entry)
                    } else {
                        problems += Self.parse(element, short, name) { entry = $0 }
                    }
                    guard let entry else { continue }
                    values.append(entry)
                    located(&root, entry, element.origin)
                }
                root[keyPath: path] = values
                return problems
            },
            read: { root in
                root[keyPath: path].map { entry in
                    let more = keys.compactMap { key in
                        key.read(entry) == key.read(fresh) ? nil : "\(key.name)=\(key.read(entry) ?? "")"
                    }
                    let isShort = short.parse(short.render(entry)).map { value in
                        keys.allSatisfy { $0.read(value) == $0.read(entry) }
                    }
                    return isShort == true ? short.render(entry) : "{\(more.joined(separator: " "))}"
                }.joined(separator: ",")
            })
    }

    private static func read<Entry: Sendable>(
        _ fields: [ConfigurationInput.Entry], _ keys: [ConfigurationKey<Entry>], at origin: ConfigurationOrigin,
        of name: String, into entry: inout Entry?
    ) -> [ConfigurationProblem] {
        guard var read = entry else { return [] }
        var problems: [ConfigurationProblem] = []
        for field in fields {
            if let key = keys.first(where: { $0.name == field.name }) {
                problems += key.assign(field.value, &read).map {
                    ConfigurationProblem("\(name): \($0.message)", key: name, at: $0.origin)
                }
            } else {
                let meant = EditDistance.nearest(to: field.name, among: keys.map(\.name))
                problems.append(
                    ConfigurationProblem(
                        "\(field.name) is no key of an entry of \(name)"
                            + (meant.map { "; did you mean \($0)?" } ?? ""),
                        key: name, at: field.origin))
            }
        }
        if let first = keys.first, !fields.contains(where: { $0.name == first.name }) {
            problems.append(
                ConfigurationProblem("an entry of \(name) has no \(first.name)", key: name, at: origin))
        }
        entry = read
        return problems
    }

    static func map(_ name: String, _ path: Path<[String: String]>, _ summary: String) -> Self {
        Self(
            name: name, kind: "map of text", expected: "names and values", shape: .map, summary: summary,
            defaultText: nil, hasComputedDefault: true,
            assign: { input, root in
                var problems: [ConfigurationProblem] = []
                for (property, value) in input.properties {
                    problems += Self.parse(value, .text, "\(name).\(property)") { root[keyPath: path][property] = $0 }
                }
                return problems
            },
            read: { root in
                root[keyPath: path].sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
            })
    }

    private static func parse<Value>(
        _ input: ConfigurationInput, _ codec: ConfigurationCodec<Value>, _ name: String, _ use: (Value) -> Void
    ) -> [ConfigurationProblem] {
        guard case .text(let text) = input.content, let value = codec.parse(text) else {
            return [
                ConfigurationProblem(
                    "\(name) is \(input.kind), but must be \(codec.expected)", key: name, at: input.origin)
            ]
        }
        use(value)
        return []
    }
}
