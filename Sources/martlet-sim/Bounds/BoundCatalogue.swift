// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy

/// What breaks, with one Redis, the chart's nodes and the node's own limits.
enum BoundCatalogue {
    /// By the number of connections at which each breaks, the first to break first.
    static func all(_ workload: Workload, _ costs: UnitCosts = UnitCosts()) -> [Bound] {
        let bounds = Self.redis(costs) + Self.sessions(costs) + Self.others()
        return bounds.map { ($0.breaks(workload), $0) }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    private static func redis(_ costs: UnitCosts) -> [Bound] {
        let connects = ChartValues.connectsPerSecond
        return [
            Bound(
                "Redis: nodes announce themselves to all", in: "cores", of: 1,
                "nodes ÷ 2 s × (publication + nodes × delivery)",
                past: "announce less often the more nodes there are, or into one hash that each reads: n² becomes n"
            ) { $0.nodes / 2 * (costs.publication + $0.nodes * costs.delivery) },
            Bound(
                "Redis: publications to single clients", in: "cores", of: 1,
                "connections ÷ 60 s × (publication + delivery)",
                past: "several Redis, channels spread over them by hash (Cluster, SPUBLISH): linear"
            ) { $0.connections / $0.personalInterval * (costs.publication + costs.delivery) },
            Bound(
                "Redis: publications to all nodes", in: "cores", of: 1, "20/s × (publication + nodes × delivery)",
                past: "a tree: one node in each zone subscribes and hands on; or replicas, which fan out in parallel"
            ) { $0.broadcasts * (costs.publication + $0.nodes * costs.delivery) },
            Bound(
                "Redis: questions to all nodes (users over the API)", in: "cores", of: 1,
                "5/s × nodes × (2 deliveries + publication)",
                past: "ask only the nodes that have the user: an index by user in Redis, as presence is by channel"
            ) { $0.questions * ($0.nodes * (2 * costs.delivery + costs.publication) + costs.publication) },
            Bound(
                "Redis: subscribing while all reconnect", in: "cores", of: 1,
                "nodes × \(Int(connects)) connects/s × subscription",
                past: "several Redis; or lower limits.connects_per_second, which makes storms longer and flatter"
            ) { $0.nodes * connects * $0.ownChannels * costs.subscription },
            Bound(
                "Redis: entries of presence while all reconnect", in: "cores", of: 1,
                "nodes × \(Int(connects)) connects/s × entry",
                past: "presence only in namespaces that show it; several Redis"
            ) { $0.nodes * connects * costs.presence },
            Bound(
                "Redis: channels subscribed to", in: "GiB", of: 64, "connections × \(Int(costs.subscriptionBytes)) B",
                past: "several Redis; or a channel for many users and a filter at the node"
            ) { $0.connections * $0.ownChannels * costs.subscriptionBytes / 0x1p30 },
        ]
    }

    private static func sessions(_ costs: UnitCosts) -> [Bound] {
        [
            Bound(
                "a node: revocations remembered", in: "million", of: 10,
                "connections × one a day × tokens of a day (limits.revocations_max)",
                past: "shorter tokens: of an hour, a 24th; then raise the limit (40 B each)"
            ) { $0.revocations * $0.tokenLifetime / 1e6 },
            Bound(
                "a node: reading a day's events at start", in: "thousand records/s", of: 500,
                "connections × one a day ÷ 600 s (rollout.catchUpSeconds); half a million is the aim",
                past: "shorter tokens: what is replayed is as long as they live"
            ) { $0.revocations * $0.tokenLifetime / 600 / 1e3 },
            Bound(
                "Kafka: every node reads every event", in: "Gbit/s", of: 10,
                "events/s × \(Int(costs.recordBytes)) B × nodes",
                past:
                    "brokers share it (partitions over brokers); then a relay in each zone, or followers near the nodes"
            ) { $0.revocations * costs.recordBytes * 8 * $0.nodes / 1e9 },
            Bound(
                "Kafka: a tenth of the nodes start at once", in: "Gbit/s", of: 10,
                "events of a day × \(Int(costs.recordBytes)) B × a tenth of the nodes ÷ 600 s",
                past: "start fewer at a time (rollout.maxSurge), shorter tokens"
            ) { $0.revocations * $0.tokenLifetime * costs.recordBytes * 8 * $0.nodes / 10 / 600 / 1e9 },
            Bound(
                "the authority: calls while events come", in: "calls/s", of: 2_000,
                "nodes × the more of 4/s (a batch waits 250 ms) and connections ÷ nodes ÷ 600 s ÷ 500",
                past: "let a batch wait as long as it takes to fill: 500 sessions a call, a twentieth of the calls"
            ) { work in
                let sessions = work.perNode / work.validationInterval
                return work.nodes * min(sessions, max(4, sessions / 500))
            },
            Bound(
                "the authority: sessions looked up while events do not come", in: "million/s", of: 1,
                "connections ÷ 60 s (validation.interval_degraded)",
                past: "a longer validation.interval_degraded, a store that is sharded by session"
            ) { $0.connections / $0.validationDegraded / 1e6 },
        ]
    }

    private static func others() -> [Bound] {
        [
            Bound(
                "a node: members it knows", in: "nodes", of: Double(MemberMemory.membersMax), "nodes (a table in each)",
                past: "larger nodes (100,000 connections take 0.6 GB); several clusters"
            ) { $0.nodes },
            Bound(
                "an upgrade, one node at a time", in: "hours", of: 24, "nodes × (60 s to start + 35 s of drain)",
                past: "rollout.maxSurge in per cent: 5 % are 100 at a time"
            ) { $0.nodes * (60 + ChartValues.drainDelay + ChartValues.drainWindow) / 3_600 },
        ]
    }
}
