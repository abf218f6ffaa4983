# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Alerts and dashboard: each alert proven by promtool, each query about metrics that exist."""

import json
import re
import subprocess

import pytest
import yaml

import dashboard
import kit

FOLDER = kit.ROOT / "Deploy" / "prometheus"
RULES = [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]


def promtool(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, cwd=FOLDER)


def documented() -> dict[str, str]:
    """Kind by name, of every metric in Docs/Metrics.md."""
    text = (kit.ROOT / "Docs" / "Metrics.md").read_text()
    return dict(re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \|", text, re.MULTILINE))


def unknown(query: str) -> list[str]:
    """What a query names that no node exposes."""
    metrics = documented()
    series = set(metrics) | {
        f"{name}{suffix}"
        for name, kind in metrics.items()
        if kind == "histogram"
        for suffix in ("_bucket", "_sum", "_count")
    }
    return [name for name in re.findall(r"\b(?:martlet|process)_[a-z_]+\b", query) if name not in series]


def wrongly_used(query: str) -> list[str]:
    """Counters that are read as they stand, and gauges whose rate is taken."""
    metrics = documented()
    rated = set(re.findall(r"\b(?:rate|increase)\((\w+?)(?:_bucket)?[{\[]", query))
    found = [name for name in rated if metrics.get(name) == "gauge"]
    for name in set(re.findall(r"\bmartlet_[a-z_]+", query)):
        if metrics.get(name) == "counter" and name not in rated:
            found.append(name)
    return found


def queries(board: dict) -> list[str]:
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    found += [annotation["expr"] for annotation in board["annotations"]["list"]]
    return found + [
        variable["query"]["query"] for variable in board["templating"]["list"] if variable["type"] == "query"
    ]


def test_the_rules_are_right():
    result = promtool("check", "rules", "alerts.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_fires_when_it_should():
    result = promtool("test", "rules", "alerts_test.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
    text = (FOLDER / "alerts_test.yaml").read_text()
    fired = re.findall(r'alertname="(\w+)"', text)
    assert set(fired) == {rule["alert"] for rule in RULES}, "each alert has a test in which it fires"


def test_the_unit_tests_can_fail(tmp_path):
    """That they hold something: with other thresholds they do not pass."""
    text = (FOLDER / "alerts.yaml").read_text()
    (tmp_path / "alerts.yaml").write_text(text.replace("martlet_push_healthy == 0", "martlet_push_healthy == 1"))
    (tmp_path / "alerts_test.yaml").write_text((FOLDER / "alerts_test.yaml").read_text())
    result = subprocess.run(["promtool", "test", "rules", "alerts_test.yaml"], capture_output=True, cwd=tmp_path)
    assert result.returncode != 0


def test_more_nodes_than_one_remembers_are_not_apart(tmp_path):
    """A node counts itself and others up to MemberMemory.membersMax, Prometheus counts all."""
    source = (kit.ROOT / "Sources" / "MartletPolicy" / "MemberMemory.swift").read_text()
    most = int(re.search(r"membersMax = ([0-9_]+)", source)[1].replace("_", ""))

    def apart(nodes: int, known: int) -> int:
        (tmp_path / "alerts.yaml").write_text((FOLDER / "alerts.yaml").read_text())
        series = [
            {"series": f'martlet_cluster_members{{job="martlet",instance="node-{number}"}}', "values": f"{known}x10"}
            for number in range(nodes)
        ]
        silent = {"expr": "ALERTS", "eval_time": "8m", "exp_samples": []}
        test = {"interval": "1m", "input_series": series, "promql_expr_test": [silent]}
        (tmp_path / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["alerts.yaml"], "tests": [test]}))
        return promtool("test", "rules", tmp_path / "test.yaml").returncode

    assert apart(most + 5, most) == 0
    assert apart(most + 5, most - 1) != 0 and apart(most, most - 1) != 0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do(rule):
    assert unknown(rule["expr"]) == [] and wrongly_used(rule["expr"]) == []
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "runbook"}
    assert len(rule["annotations"]["runbook"]) > 40
    assert unknown(rule["annotations"]["runbook"]) == []
    # Every setting that it names exists.
    keys, _, _ = kit.configuration_keys()
    sections = {key.split(".")[0] for key in keys}
    for name in re.findall(r"\b([a-z]+\.[a-z_]+(?:\.[a-z_]+)?)\b", rule["annotations"]["runbook"]):
        if name.split(".")[0] in sections - {"log"}:
            assert name in keys, name


def test_every_label_that_an_alert_asks_for_is_one():
    """Where the nodes' sources spell it: a value that is never set would be an alert that never fires."""
    sources = " ".join(path.read_text() for path in sorted((kit.ROOT / "Sources").rglob("*.swift")))
    for rule in RULES:
        for label, operator, values in re.findall(r'(\w+)(=~|!=|=)"([^"]*)"', rule["expr"]):
            if label in ("job", "instance"):
                continue
            assert f'"{label}"' in sources, f"{rule['alert']}: {label}"
            for value in values.split("|"):
                spelt = rf'"{value}"|"{value.replace("_", " ")}"|case [a-zA-Z, ]*\b{value}\b'
                assert re.search(spelt, sources), f"{rule['alert']}: {label}={value}"


def test_what_the_metrics_page_wants_alerts_for_has_them():
    text = (kit.ROOT / "Docs" / "Metrics.md").read_text()
    wanted = re.findall(r"`(martlet_\w+)`", text[text.index("Worth an alert") : text.index("Some metrics exist")])
    expressions = " ".join(rule["expr"] for rule in RULES)
    assert [
        name for name in wanted if name not in expressions and name.replace("_utilization_ratio", "") not in expressions
    ] == []


def test_both_monitors_call_the_job_alike():
    """By namespace and name, which the operator does for a PodMonitor: alerts compare nodes by job."""
    documents = kit.render("--set", "existingSecret=martlet", "--set", "metrics.monitor=service")
    monitor = next(item for item in documents if item["kind"] == "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": "default/martlet"}]
    documents = kit.render("--set", "existingSecret=martlet", "--set", "metrics.monitor=pod")
    monitor = next(item for item in documents if item["kind"] == "PodMonitor")
    assert f"{monitor['metadata']['namespace']}/{monitor['metadata']['name']}" == "default/martlet"


def test_the_configuration_is_right():
    result = promtool("check", "config", "prometheus.yml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_dashboard_asks_what_exists(tmp_path):
    board = dashboard.dashboard()
    asked = queries(board)
    assert len(asked) > 30
    for query in asked:
        assert unknown(query) == [] and wrongly_used(query.replace("label_values(", "(")) == [], query
    # Prometheus itself reads them, with a value for what Grafana fills in.
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m").replace("$job", ".*")}
        for number, query in enumerate(asked)
        if not query.startswith("label_values")
    ]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    result = promtool("check", "rules", tmp_path / "queries.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_dashboard_is_laid_out():
    board = dashboard.dashboard()
    assert json.loads((kit.ROOT / "Deploy" / "grafana" / "martlet.json").read_text()) == board
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_the_autoscaler_sees_what_the_nodes_expose(tmp_path):
    """prometheus-adapter's rule, filled in as it does, is a query that Prometheus takes, for the metric of the HPA."""
    custom = yaml.safe_load((FOLDER / "adapter-values.yaml").read_text())["rules"]["custom"]
    assert len(custom) == 1 and unknown(custom[0]["seriesQuery"]) == []
    query = custom[0]["metricsQuery"]
    for placeholder, value in {
        "<<.Series>>": "martlet_open_connections",
        "<<.LabelMatchers>>": 'namespace="a",pod=~"b|c"',
        "<<.GroupBy>>": "pod",
    }.items():
        query = query.replace(placeholder, value)
    (tmp_path / "query.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "adapter", "rules": [{"record": "a", "expr": query}]}]})
    )
    assert promtool("check", "rules", tmp_path / "query.yaml").returncode == 0
    autoscaler = next(
        item
        for item in kit.render("--set", "existingSecret=martlet", "--set", "autoscaling.kind=hpa")
        if item["kind"] == "HorizontalPodAutoscaler"
    )
    assert autoscaler["spec"]["metrics"][0]["pods"]["metric"]["name"] == custom[0]["name"]["as"]
