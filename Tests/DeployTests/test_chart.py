# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The chart: real Helm, Kubernetes' schemas, the important parts held, wrong values refused with words.

UPDATE_GOLDEN=1 writes what is compared with.
"""

import contextlib
import http.server
import os
import pathlib
import re
import socket
import subprocess
import threading

import pytest
import yaml

import chart
import kit
from cluster import DEBUG

GOLDEN = pathlib.Path(__file__).parent / "golden"
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEd282lDK+fcgFbXUsmgWfk3nm47o4
I3aEUncRN3P5qVbOcg2LGiHVYFHdxCFVTtLXPdOVvIPeCM8gjIa/w0aRWw==
-----END PUBLIC KEY-----
"""
cases = pytest.mark.parametrize("case", chart.CASES, ids=chart.NAMES)


@cases
def test_lint(case):
    result = chart.helm("lint", "--strict", "--quiet", kit.CHART, "--values", case)
    assert result.returncode == 0, result.stdout + result.stderr


@cases
def test_every_document_fits_its_schema(case):
    documents = chart.rendered(case)
    assert documents
    for document in documents:
        chart.validate(document)


@cases
def test_the_important_parts_are_as_before(case):
    golden = GOLDEN / f"{case.name.removesuffix('-values.yaml')}.yaml"
    found = chart.important(chart.rendered(case))
    if os.environ.get("UPDATE_GOLDEN"):
        text = yaml.dump(found, Dumper=kit.Dumper, sort_keys=False, width=1000)
        golden.write_text(f"{kit.HEADER}\n{text}")
    assert found == yaml.safe_load(golden.read_text())


@cases
def test_a_node_takes_the_configuration(case, tmp_path):
    """What the chart lets through, the node itself starts with."""
    documents = chart.rendered(case)
    container = chart.one(documents, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    path = tmp_path / "martlet.yaml"
    name = chart.one(documents, "Deployment")["metadata"]["name"]
    (tmp_path / "issuer.pem").write_text(PUBLIC_KEY)
    text = chart.one(documents, "ConfigMap", name)["data"]["martlet.yaml"]
    path.write_text(text.replace("/etc/martlet-keys", str(tmp_path)))
    environment = {"PATH": os.environ["PATH"], "MARTLET_CONFIG": str(path), "MARTLET_NODE_NAME": "node"}
    for source in container.get("envFrom", []):
        secrets = [item for item in documents if item["kind"] == "Secret"]
        # A Secret of the user's own holds what the chart cannot know.
        environment |= (
            secrets[0]["stringData"]
            if secrets
            else {
                "MARTLET_AUTH_HMAC_SECRET": "0123456789" * 4,
                "MARTLET_API_KEYS": "key",
                "MARTLET_REDIS_URLS": "redis://:password@redis:6379",
            }
        )
        assert source["secretRef"]["name"]
    for variable in container["env"]:
        environment.setdefault(variable["name"], variable.get("value", "https://back-end.example.com"))
    result = subprocess.run([DEBUG / "martlet", "config", "check"], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@cases
def test_nodes_run_without_rights(case):
    documents = chart.rendered(case)
    for pod in (chart.one(documents, "Deployment")["spec"]["template"], chart.one(documents, "Pod")):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False and spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] == 65532
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_the_job_that_keeps_costs_has_the_least_rights():
    documents = chart.rendered(kit.CHART / "ci" / "everything-values.yaml")
    assert chart.one(documents, "Role")["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch"]}
    ]
    account = chart.one(documents, "ServiceAccount", "-deletion-cost")
    spec = chart.one(documents, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]
    assert account["automountServiceAccountToken"] is False and spec["spec"]["automountServiceAccountToken"] is True
    binding = chart.one(documents, "RoleBinding")
    assert [subject["name"] for subject in binding["subjects"]] == [spec["spec"]["serviceAccountName"]]
    assert binding["roleRef"]["name"] == chart.one(documents, "Role")["metadata"]["name"]
    assert spec["spec"]["securityContext"]["runAsNonRoot"]
    assert spec["spec"]["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert admitted_to(documents, spec["metadata"]["labels"]) == {"internal"}
    # Nothing of it where it is not asked for.
    others = chart.rendered(kit.CHART / "ci" / "hpa-values.yaml")
    assert not {"Role", "RoleBinding", "CronJob"} & set(chart.kinds(others))


def admitted_to(documents: list[dict], labels: dict) -> set[str]:
    """Ports to which the policy admits a pod of the namespace because of its labels."""
    return {
        port["port"]
        for rule in chart.one(documents, "NetworkPolicy")["spec"]["ingress"]
        for peer in rule.get("from", [])
        for port in rule["ports"]
        if (wanted := peer.get("podSelector", {}).get("matchLabels")) and wanted.items() <= labels.items()
    }


def test_the_policy_admits_the_test_of_the_chart():
    """Whoever else may come: a test that hangs would be of no use."""
    closed = '{"namespaceSelector": {"matchLabels": {"name": "nobody"}}}'
    documents = kit.render(
        "--set",
        "existingSecret=martlet",
        *("--set-json", f"networkPolicy.publicFrom=[{closed}]"),
        *("--set-json", f"networkPolicy.internalFrom=[{closed}]"),
    )
    assert admitted_to(documents, chart.one(documents, "Pod")["metadata"]["labels"]) == {"clients", "internal"}


class Server(http.server.ThreadingHTTPServer):
    # As many as come at a time.
    request_queue_size = 128


class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_the_job_writes_costs_that_changed(tmp_path):
    """The script itself, with a kubectl that notes what it was told, and pods that answer or do not."""
    documents = chart.rendered(kit.CHART / "ci" / "everything-values.yaml")
    pod = chart.one(documents, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    server = Server(("127.0.0.1", 0), Metrics)
    server.text = "# HELP martlet_deletion_cost x\nmartlet_deletion_cost 1200\nmartlet_node_state 1\n"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fake = tmp_path / "kubectl"
    fake.write_text(
        "#!/bin/bash\n"
        'echo "$*" >> "$TOLD"\n'
        'if [[ "$*" == *" get pods "* ]]; then printf "%b" "$PODS"; fi\n'
        'if [[ "$*" == *" pod refused "* ]]; then exit 1; fi\n'
    )
    fake.chmod(0o755)

    def run(pods: str):
        told = tmp_path / "told"
        told.write_text("")
        environment = {variable["name"]: variable["value"] for variable in container["env"]}
        environment |= {"PORT": str(server.server_address[1]), "TOLD": str(told), "PODS": pods}
        environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
        # Much less than it takes to find out, one after the other, that machines are gone.
        done = subprocess.run(
            [*container["command"], *container["args"]], env=environment, capture_output=True, text=True, timeout=45
        )
        assert not re.search("command not found|line [0-9]+:", done.stderr), done.stderr
        listed, *annotated = told.read_text().splitlines()
        start = "--namespace default --request-timeout=10s"
        assert listed.startswith(f"{start} get pods --selector app.kubernetes.io/name=martlet,")
        return done.returncode, sorted(line.removeprefix(f"{start} annotate pod ") for line in annotated)

    try:
        cost = "--overwrite controller.kubernetes.io/pod-deletion-cost=1200"
        pods = "new 127.0.0.1 \\nsame 127.0.0.1 1200\\nold 127.0.0.1 70\\nsilent 127.0.0.2 7\\nstarting  \\n"
        assert run(pods) == (0, [f"new {cost}", f"old {cost}"])
        with machines_that_say_nothing(server) as machines:
            gone = "".join(f"{name} {address} 7\\n" for name, address in machines)
            assert run(gone + pods) == (0, [f"new {cost}", f"old {cost}"])
        # More than are asked at a time.
        many = "".join(f"pod-{number} 127.0.0.1 {1200 * (number % 2)}\\n" for number in range(80))
        code, told = run(many)
        assert code == 0 and told == sorted(f"pod-{number} {cost}" for number in range(0, 80, 2))
        server.text = "martlet_deletion_cost -1\n"
        assert run("draining 127.0.0.1 900\\n")[1][0].endswith("pod-deletion-cost=-1")
        # One that is refused does not keep the others from theirs, and is told.
        code, told = run("refused 127.0.0.1 1\\nnext 127.0.0.1 1\\n")
        assert code == 1 and len(told) == 2
        server.text = "martlet_deletion_cost 0\n"
        assert run("empty 127.0.0.1 \\n") == (0, [])
    finally:
        server.shutdown()


@contextlib.contextmanager
def machines_that_say_nothing(server):
    """Eight at the server's port: half of them take connections, the others not even that."""
    port, found = server.server_address[1], []
    with contextlib.ExitStack() as held:
        for number in range(8):
            address = f"127.0.1.{number + 1}"
            listener = held.enter_context(socket.create_server((address, port), backlog=number % 2 * 16))
            # A queue that is full: who comes then gets no answer from the kernel.
            for _ in range((number + 1) % 2 * 4):
                client = held.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(listener.getsockname())
            found.append((f"gone-{number}", address))
        yield found


@cases
def test_selectors_meet_their_pods(case):
    documents = chart.rendered(case)
    deployment = chart.one(documents, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    ports = {port["name"] for port in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}

    def meets(selector: dict) -> bool:
        return selector.items() <= labels.items()

    assert meets(deployment["spec"]["selector"]["matchLabels"])
    test = chart.one(documents, "Pod")["metadata"]["labels"]
    for item in documents:
        if item["kind"] == "Service":
            assert meets(item["spec"]["selector"]) and not item["spec"]["selector"].items() <= test.items()
            assert {port["targetPort"] for port in item["spec"]["ports"]} <= ports
        if item["kind"] == "PodDisruptionBudget":
            assert meets(item["spec"]["selector"]["matchLabels"])
        if item["kind"] == "NetworkPolicy":
            assert meets(item["spec"]["podSelector"]["matchLabels"])
        if item["kind"] == "PodMonitor":
            assert meets(item["spec"]["selector"]["matchLabels"])
            assert item["spec"]["podMetricsEndpoints"][0]["port"] in ports
        if item["kind"] == "ServiceMonitor":
            selected = [
                service
                for service in documents
                if service["kind"] == "Service"
                and item["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
            ]
            assert [service["spec"]["clusterIP"] for service in selected] == ["None"]


@cases
def test_a_drain_fits_into_an_upgrade(case):
    documents = chart.rendered(case)
    spec = chart.one(documents, "Deployment")["spec"]
    name = chart.one(documents, "Deployment")["metadata"]["name"]
    drain = yaml.safe_load(chart.one(documents, "ConfigMap", name)["data"]["martlet.yaml"])["drain"]

    def seconds(text: str) -> int:
        return sum(int(count) * {"m": 60, "s": 1}[unit] for count, unit in re.findall(r"(\d+)([ms])", text))

    needed = seconds(drain["delay"]) + seconds(drain["window"])
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] >= needed + 10
    # Kubernetes refuses a Deployment where it is not.
    assert spec["progressDeadlineSeconds"] > spec["minReadySeconds"]
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize(
    "values, seconds",
    [
        ([], 35),
        (["config.slow_start.duration=2m"], 120),
        (["config.slow_start.duration=2m", "rollout.minReadySeconds=7"], 7),
        (["config.drain.window=5s"], 30),
    ],
)
def test_the_next_node_waits_for_drain_and_slow_start(values, seconds):
    arguments = [part for value in values for part in ("--set", value)]
    documents = kit.render("--set", "existingSecret=martlet", *arguments)
    spec = chart.one(documents, "Deployment")["spec"]
    assert spec["minReadySeconds"] == seconds and spec["progressDeadlineSeconds"] == seconds + 600 + 120


def test_a_changed_value_restarts_the_nodes():
    def annotations(*arguments: str) -> dict:
        documents = kit.render("--values", str(kit.CHART / "ci" / "redis-values.yaml"), *arguments)
        return chart.one(documents, "Deployment")["spec"]["template"]["metadata"]["annotations"]

    before = annotations()
    assert annotations("--set", "replicas=9") == before
    configuration = annotations("--set", "config.log.level=debug")
    assert configuration["checksum/config"] != before["checksum/config"]
    assert configuration["checksum/secrets"] == before["checksum/secrets"]
    assert annotations("--set", "secrets.MARTLET_API_KEYS=b")["checksum/secrets"] != before["checksum/secrets"]


@pytest.mark.parametrize(
    "text, seconds", [("250ms", 1), ("10s", 10), ("1h30m", 5400), ("1m500ms", 61), ("1d", 86400), ("0s", 0)]
)
def test_durations_are_read_as_the_node_does(text, seconds):
    documents = kit.render(
        "--set", "existingSecret=martlet", "--set", f"config.drain.delay={text}", "--set", "config.drain.window=0s"
    )
    pod = chart.one(documents, "Deployment")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == seconds + 15


@pytest.mark.parametrize("address, public", [("::", "[::]:8000"), ("[::]", "[::]:8000"), ("0.0.0.0", "0.0.0.0:8000")])
def test_every_form_of_an_address_is_one_to_the_node(address, public, tmp_path):
    documents = kit.render("--set", "existingSecret=martlet", "--set-json", f'bindAddress="{address}"')
    text = chart.one(documents, "ConfigMap")["data"]["martlet.yaml"]
    assert yaml.safe_load(text)["listen"]["public"] == public
    path = tmp_path / "martlet.yaml"
    path.write_text(text)
    environment = {"MARTLET_AUTH_HMAC_SECRET": "0123456789" * 4, "MARTLET_API_KEYS": "key"}
    command = [DEBUG / "martlet", "config", "check", "--config", path]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("window, seconds", [("5m", 335), ("2h", 3600)])
def test_a_balancer_is_asked_to_wait_no_longer_than_it_can(window, seconds):
    alb = str(kit.CHART / "ci" / "alb-values.yaml")
    documents = kit.render("--values", alb, "--set", f"config.drain.window={window}")
    annotations = chart.one(documents, "Ingress")["metadata"]["annotations"]
    attributes = annotations["alb.ingress.kubernetes.io/target-group-attributes"].split(",")
    assert f"deregistration_delay.timeout_seconds={seconds}" in attributes


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_the_smallest_node_has_a_target_above_nothing(kind):
    values = [f"autoscaling.kind={kind}", "autoscaling.keda.serverAddress=http://a", "config.limits.connections_max=1"]
    documents = kit.render(*(part for value in ["existingSecret=martlet", *values] for part in ("--set", value)))
    scaler = chart.one(documents, "HorizontalPodAutoscaler" if kind == "hpa" else "ScaledObject")["spec"]
    if kind == "hpa":
        assert scaler["metrics"][0]["pods"]["target"]["averageValue"] == "1"
    else:
        assert scaler["triggers"][0]["metadata"]["threshold"] == "1"


def test_clients_reach_nodes_that_are_not_ready_where_the_ingress_asks_for_them():
    documents = chart.rendered(kit.CHART / "ci" / "hpa-values.yaml")
    annotations = chart.one(documents, "Ingress")["metadata"]["annotations"]
    service = chart.one(documents, "Service", annotations["nginx.ingress.kubernetes.io/default-backend"])
    # Its first port is the one that is taken.
    assert service["spec"]["publishNotReadyAddresses"] and service["spec"]["ports"][0]["targetPort"] == "clients"
    public = chart.one(documents, "Service", "martlet")
    assert "publishNotReadyAddresses" not in public["spec"]
    others = chart.rendered(kit.CHART / "ci" / "keda-values.yaml")
    assert [item["metadata"]["name"] for item in others if item["kind"] == "Service"] == ["martlet", "martlet-internal"]


def test_secrets_stay_out_of_what_all_can_read():
    documents = chart.rendered(kit.CHART / "ci" / "redis-values.yaml")
    secret = chart.one(documents, "Secret")["stringData"]["MARTLET_AUTH_HMAC_SECRET"]
    others = [document for document in documents if document["kind"] != "Secret"]
    assert secret not in yaml.dump_all(others)


def notes(case: str, *arguments: str) -> str:
    values = kit.CHART / "ci" / f"{case}-values.yaml"
    result = chart.helm("install", "martlet", kit.CHART, "--dry-run=client", "--values", values, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_notes():
    text = notes("keda", "--set", "autoscaling.min=2")
    assert "The cluster grows beyond 30000 open connections a node, up to 100 nodes." in text
    assert "of 2 nodes at 66 %" in text and "MartletClusterNearCapacity" not in text
    assert "KEDA 2.17" in text and "KEDA" not in notes("hpa")


@pytest.mark.parametrize(
    "nodes, utilization, fits", [(3, 60, True), (3, 61, False), (4, 68, True), (4, 69, False), (10, 81, True)])
def test_notes_tell_where_a_lost_node_does_not_fit(nodes, utilization, fits):
    """1.1 times the target, which an autoscaler leaves alone, must fit into one node less."""
    text = notes("hpa", "--set", f"autoscaling.min={nodes}", "--set", f"autoscaling.utilization={utilization}")
    assert ("one may be lost" not in text) == fits


@pytest.mark.parametrize("setting, words", {
    "rollout.minReadySeconds=5": "drains overlap",
    "config.limits.connects_per_second=500": "a drain sends 1666 clients a second to the new node, which admits 500",
    "resources.limits.memory=256Mi": "50000 connections need about 292 MiB",
    "config.limits.connections_max=200000": "200000 connections need about 1171 MiB, and resources.limits.memory is 1Gi",
}.items())
def test_notes_warn_of_what_runs_and_should_not(setting, words):
    assert words in notes("hpa", "--set", setting) and words not in notes("hpa")


def test_notes_tell_where_the_alert_for_room_would_never_end():
    """An autoscaler is content with a tenth more than its target, and the alert begins above 90 %."""
    rules = yaml.safe_load((kit.ROOT / "Deploy" / "prometheus" / "alerts.yaml").read_text())["groups"]
    alert = next(rule for group in rules for rule in group["rules"] if rule["alert"] == "MartletClusterNearCapacity")
    assert alert["expr"].strip().endswith("> 0.9")
    words = "is content up to 90 %, where MartletClusterNearCapacity fires"
    assert words in notes("hpa", "--set", "autoscaling.utilization=82", "--set", "autoscaling.min=9")
    assert words not in notes("hpa", "--set", "autoscaling.utilization=81", "--set", "autoscaling.min=9")
