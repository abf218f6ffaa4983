# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The dashboard of a Martlet cluster, as code: `Deploy/scripts/kit.sh` writes martlet.json from it.

A row is a question that an operator asks, from "are the clients well" down to "what does a node cost".
"""

import json

NODES = 'job=~"$job"'


def panel(title: str, *queries: tuple[str, str], unit: str = "short", kind: str = "timeseries", says: str = "") -> dict:
    """A panel of queries, each with its legend."""
    found = {
        "type": kind,
        "title": title,
        "description": says,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(queries)
        ],
    }
    if kind == "timeseries":
        found["options"] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    return found


def gauge(metric: str, by: str = "instance") -> str:
    return f"sum by ({by}) ({metric}{{{NODES}}})"


def rate(metric: str, by: str = "instance", where: str = "") -> str:
    selector = f"{NODES},{where}" if where else NODES
    return f"sum by ({by}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def quantile(share: float, metric: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{{NODES}}}[$__rate_interval])))"


def latency(title: str, metric: str, says: str) -> dict:
    return panel(title, (quantile(0.5, metric), "median"), (quantile(0.99, metric), "99 %"), unit="s", says=says)


ROWS = [
    (
        "How full is the cluster?",
        [
            panel("Open connections", (f"sum(martlet_open_connections{{{NODES}}})", "all"), kind="stat"),
            panel(
                "Utilization",
                (f"sum(martlet_open_connections{{{NODES}}}) / sum(martlet_connections_capacity{{{NODES}}})", "all"),
                unit="percentunit",
                kind="stat",
            ),
            panel("Nodes by state", (f"sum by (state) (martlet_node_state{{{NODES}}})", "{{state}}"), kind="stat"),
            panel(
                "Open connections by node",
                (gauge("martlet_open_connections"), "{{instance}}"),
                says="The number to scale on. New nodes fill as clients come.",
            ),
            panel(
                "Utilization by node",
                (f"martlet_connections_utilization_ratio{{{NODES}}}", "{{instance}}"),
                unit="percentunit",
            ),
            panel("By transport", (gauge("martlet_connections", "transport, protocol"), "{{transport}} {{protocol}}")),
        ],
    ),
    (
        "Do clients come and go as they should?",
        [
            panel("Admitted", (rate("martlet_connections_opened_total"), "{{instance}}"), unit="cps"),
            panel(
                "Ended, by reason",
                (rate("martlet_connections_closed_total", "reason") + " > 0", "{{reason}}"),
                unit="cps",
            ),
            panel(
                "Refused, by reason",
                (rate("martlet_connections_refused_total", "reason") + " > 0", "{{reason}}"),
                unit="cps",
            ),
            panel(
                "Tokens",
                (rate("martlet_tokens_verified_total", "job"), "accepted"),
                (rate("martlet_tokens_rejected_total", "reason") + " > 0", "{{reason}}"),
                unit="cps",
            ),
        ],
    ),
    (
        "Do sessions end when they should?",
        [
            panel(
                "Push healthy",
                (f"min by (instance) (martlet_push_healthy{{{NODES}}})", "{{instance}}"),
                says="Whether every partition of the topics answers, and its lag is within bounds.",
            ),
            latency("Event to close", "martlet_revocation_lag_seconds", "From the event's own time to the close."),
            panel(
                "Events",
                (rate("martlet_invalidations_total", "outcome"), "{{outcome}}"),
                (f"sum(martlet_kafka_lag_records{{{NODES}}})", "records behind"),
            ),
            panel(
                "Validation",
                (gauge("martlet_validation_overdue_sessions"), "overdue, {{instance}}"),
                (rate("martlet_validations_total", "outcome"), "{{outcome}} a second"),
            ),
            panel(
                "Found dead, not told",
                (rate("martlet_missed_push_total"), "{{instance}}"),
                says="Anything above zero: the path of events is broken, and asking covers for it.",
            ),
            panel("Remembered", (gauge("martlet_revocations"), "{{instance}}")),
        ],
    ),
    (
        "Do messages arrive?",
        [
            panel(
                "Messages",
                (rate("martlet_publications_total", "job"), "publications"),
                (rate("martlet_deliveries_total", "job"), "deliveries"),
                unit="cps",
            ),
            latency("In the node", "martlet_delivery_lag_seconds", "From taking a publication to its fan-out."),
            latency(
                "Redis, there and back", "martlet_redis_probe_seconds", "A probe that each node publishes to itself."
            ),
            panel(
                "Trouble",
                (rate("martlet_slow_consumers_total", "job"), "slow clients cut off"),
                (rate("martlet_gaps_told_total", "job"), "gaps told"),
                (
                    rate("martlet_publications_dropped_total", "reason", 'reason!="no_subscriber"'),
                    "dropped: {{reason}}",
                ),
                (rate("martlet_redis_publish_failures_total", "reason") + " > 0", "Redis: {{reason}}"),
                unit="cps",
            ),
            panel("Redis connected", (f"min by (instance) (martlet_redis_connected{{{NODES}}})", "{{instance}}")),
            panel(
                "Channels and subscriptions",
                (gauge("martlet_channels", "job"), "channels"),
                (gauge("martlet_subscriptions", "job"), "subscriptions"),
            ),
        ],
    ),
    (
        "What does a node cost?",
        [
            panel("CPU", (rate("process_cpu_seconds_total"), "{{instance}}"), unit="percentunit"),
            panel(
                "Memory",
                (gauge("process_resident_memory_bytes"), "{{instance}}"),
                unit="bytes",
                says="Without the kernel's part: about 5 KB a socket.",
            ),
            panel("Sent", (rate("martlet_sent_bytes_total"), "{{instance}}"), unit="Bps"),
            panel("Waiting for slow clients", (gauge("martlet_outbound_pending_bytes"), "{{instance}}"), unit="bytes"),
            panel("Descriptors", (gauge("process_open_fds"), "{{instance}}")),
            panel(
                "Back-end", (rate("martlet_proxy_calls_total", "method, outcome"), "{{method}} {{outcome}}"), unit="cps"
            ),
        ],
    ),
]


def dashboard() -> dict:
    panels, top = [], 0
    for title, members in ROWS:
        panels.append(
            {
                "type": "row",
                "title": title,
                "collapsed": False,
                "panels": [],
                "gridPos": {"x": 0, "y": top, "w": 24, "h": 1},
            }
        )
        top += 1
        for index, member in enumerate(members):
            position = {"x": index % 3 * 8, "y": top + index // 3 * 7, "w": 8, "h": 7}
            panels.append(member | {"gridPos": position})
        top += (len(members) + 2) // 3 * 7
    for number, found in enumerate(panels, 1):
        found["id"] = number
    return {
        "uid": "martlet",
        "title": "Martlet",
        "tags": ["martlet"],
        "editable": True,
        "schemaVersion": 39,
        "version": 1,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "timezone": "browser",
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
                {
                    "name": "job",
                    "type": "query",
                    "label": "Job",
                    "multi": True,
                    "includeAll": True,
                    "refresh": 2,
                    "datasource": {"type": "prometheus", "uid": "${datasource}"},
                    "query": {"query": "label_values(martlet_open_connections, job)", "refId": "job"},
                },
            ]
        },
        "annotations": {
            "list": [
                {
                    "name": "Restarts",
                    "enable": True,
                    "iconColor": "orange",
                    "datasource": {"type": "prometheus", "uid": "${datasource}"},
                    "expr": f"changes(process_start_time_seconds{{{NODES}}}[2m]) > 0",
                    "titleFormat": "{{instance}} restarted",
                },
            ]
        },
        "panels": panels,
    }


def text() -> str:
    return json.dumps(dashboard(), indent=1) + "\n"
