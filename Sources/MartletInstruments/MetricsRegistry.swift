// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// All metrics of a node, by name, and their text exposition (Prometheus text format 0.0.4).
///
/// Metrics are registered once, when their owner is made; a label's values are a fixed set, never users, sessions or
/// channels. What is known only when asked (open descriptors, a table's size) is registered as a reader.
package final class MetricsRegistry: Sendable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// What the metrics reference shows of one metric.
    package struct Description: Hashable, Sendable {
        package var name: String
        package var kind: Kind
        package var help: String
        /// Each label with the values that it has.
        package var labels: [Label] = []

        fileprivate mutating func add(_ labels: [(String, String)]) {
            for (name, value) in labels {
                let index = self.labels.firstIndex { $0.name == name } ?? self.labels.count
                if index == self.labels.count { self.labels.append(Label(name: name)) }
                if !self.labels[index].values.contains(value) { self.labels[index].values.append(value) }
            }
        }
    }

    package struct Label: Hashable, Sendable {
        package var name: String
        package var values: [String] = []
    }

    private enum Source: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case reader(@Sendable () -> Double)
        case histogram(Histogram)
    }

    private struct Series: Sendable {
        /// Rendered once: `{reason="slow"}`, or empty.
        var labels: String
        var source: Source
    }

    private struct Family: Sendable {
        var description: Description
        var series: [Series]
    }

    private let families = Mutex<[Family]>([])

    package init() {}

    package func counter(_ name: String, _ help: String, labels: [(String, String)] = []) -> Counter {
        let counter = Counter()
        self.register(name, .counter, help, labels, .counter(counter))
        return counter
    }

    package func gauge(_ name: String, _ help: String, labels: [(String, String)] = []) -> Gauge {
        let gauge = Gauge()
        self.register(name, .gauge, help, labels, .gauge(gauge))
        return gauge
    }

    package func histogram(
        _ name: String, _ help: String, labels: [(String, String)] = [], bounds: [Double] = Histogram.seconds
    ) -> Histogram {
        let histogram = Histogram(bounds: bounds)
        self.register(name, .histogram, help, labels, .histogram(histogram))
        return histogram
    }

    /// A metric whose value is computed when it is read.
    package func reader(
        _ name: String, _ kind: Kind, _ help: String, labels: [(String, String)] = [],
        _ read: @escaping @Sendable () -> Double
    ) {
        self.register(name, kind, help, labels, .reader(read))
    }

    package var descriptions: [Description] {
        self.families.withLock { $0.map(\.description) }.sorted { $0.name < $1.name }
    }

    /// The whole of it as Prometheus reads it.
    package func exposition() -> String {
        let families = self.families.withLock { $0 }.sorted { $0.description.name < $1.description.name }
        var text = ""
        for family in families {
            let name = family.description.name
            text += "# HELP \(name) \(family.description.help)\n# TYPE \(name) \(family.description.kind.rawValue)\n"
            for series in family.series { Self.render(name, series, into: &text) }
        }
        return text
    }

    private func register(
        _ name: String, _ kind: Kind, _ help: String, _ labels: [(String, String)], _ source: Source
    ) {
        let rendered = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
        let series = Series(labels: rendered, source: source)
        self.families.withLock { families in
            let index = families.firstIndex { $0.description.name == name } ?? families.count
            if index == families.count {
                families.append(Family(description: Description(name: name, kind: kind, help: help), series: []))
            }
            families[index].description.add(labels)
            families[index].series.append(series)
        }
    }

    private static func render(_ name: String, _ series: Series, into text: inout String) {
        let braces = series.labels.isEmpty ? "" : "{\(series.labels)}"
        switch series.source {
        case .counter(let counter): text += "\(name)\(braces) \(counter.total)\n"
        case .gauge(let gauge): text += "\(name)\(braces) \(gauge.current)\n"
        case .reader(let read): text += "\(name)\(braces) \(Self.number(read()))\n"
        case .histogram(let histogram):
            let prefix = series.labels.isEmpty ? "" : series.labels + ","
            var cumulative = 0
            for (index, count) in histogram.counts.enumerated() {
                cumulative += count
                let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
                text += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(cumulative)\n"
            }
            text += "\(name)_sum\(braces) \(Self.number(histogram.sum))\n\(name)_count\(braces) \(cumulative)\n"
        }
    }

    /// A label's value as the text format wants it.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}
