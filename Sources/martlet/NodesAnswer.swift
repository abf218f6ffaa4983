// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a node tells of the cluster (`GET /api/nodes`).
struct NodesAnswer: Decodable {
    struct Node: Decodable {
        let id: String
        let name: String
        let address: String
        let state: String
        let connections: Int
        let capacity: Int
        let utilization: Double
        let version: String
        let uptime: Double
    }

    let node: String
    let bus: String
    let degraded: [String]
    let nodes: [Node]
    let lost: Int
    /// Nil of a node that does not tell it yet.
    let namesakes: [String]?
    let connections: Int
    let desiredNodes: Int
    let rebalance: String

    static func read(_ json: [UInt8]) throws -> NodesAnswer {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(Self.self, from: Data(json))
        } catch {
            throw Failure(.unavailable, "the node tells of others in a way that this version does not understand")
        }
    }

    /// For people: a line for each node, and below what is to be known of all.
    var table: String {
        var rows = [["ID", "NAME", "ADDRESS", "STATE", "CONNECTIONS", "CAPACITY", "UTILIZATION", "VERSION", "UPTIME"]]
        for node in self.nodes {
            let mark = node.id == self.node ? "*" : ""
            rows.append([
                String(node.id.prefix(8)) + mark, node.name, node.address, node.state, "\(node.connections)",
                "\(node.capacity)", "\((node.utilization * 1_000).rounded() / 10) %", node.version,
                Self.text(seconds: node.uptime),
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let numbers: Set = [4, 5, 6]
        var lines = rows.map { row in
            zip(row.indices, zip(row, widths)).map { column, cell in
                let space = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
                return numbers.contains(column) ? space + cell.0 : cell.0 + space
            }.joined(separator: "  ").trimmingSuffix
        }
        lines.append("")
        lines.append(contentsOf: self.remarks)
        return lines.joined(separator: "\n")
    }

    private var remarks: [String] {
        var remarks = [
            "\(self.connections) connections on \(self.nodes.count) \(self.nodes.count == 1 ? "node" : "nodes"); "
                + "advice: \(self.desiredNodes). Rebalance of the node asked (*): \(self.rebalance)."
        ]
        if self.bus == "memory" {
            remarks.append("The node is alone: it has no Redis (redis.urls) to know others by.")
        }
        if self.lost > 0 {
            remarks.append("\(self.lost) fell silent in the last five minutes without saying goodbye.")
        }
        for name in self.namesakes ?? [] {
            remarks.append("Several nodes are called \(name): give each a name of its own (node.name).")
        }
        for what in self.degraded { remarks.append("Out of order: \(what). Others may be missing above.") }
        return remarks
    }

    private static func text(seconds: Double) -> String {
        let whole = Int(min(max(0, seconds), 1e9))
        let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60)
        if days > 0 { return "\(days)d \(hours)h" }
        if hours > 0 { return "\(hours)h \(minutes)m" }
        return minutes > 0 ? "\(minutes)m \(whole % 60)s" : "\(whole)s"
    }
}

extension String {
    /// Without the spaces at its end.
    fileprivate var trimmingSuffix: String {
        String(self.reversed().drop { $0 == " " }.reversed())
    }
}
