# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""What the chart makes of what is installed already: real Helm, asking an API server that knows one Deployment."""

import contextlib
import http.server
import json
import subprocess
import threading

import pytest
import yaml

import chart
import kit

# Of Helm's own files, none of which is a user's.
HOMES = ["CACHE", "CONFIG", "DATA"]
PLACE = "/apis/apps/v1/namespaces/live/deployments/martlet"


# What Helm asks after, before it believes that it could install what it made.
KINDS = {
    "v1": ["ConfigMap", "Service", "ServiceAccount"],
    "apps/v1": ["Deployment"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "keda.sh/v1alpha1": ["ScaledObject"],
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
}


def discovery() -> dict[str, dict]:
    """Which kinds there are, by the paths at which Kubernetes tells that."""
    groups = []
    found = {"/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"}, "/api": {"versions": ["v1"]}}
    for group, kinds in KINDS.items():
        version = {"groupVersion": group, "version": group.rpartition("/")[2]}
        resources = [{"name": f"{kind.lower()}s", "kind": kind, "namespaced": True, "verbs": ["get"]} for kind in kinds]
        listed = {"kind": "APIResourceList", "groupVersion": group, "resources": resources}
        found[f"/apis/{group}" if "/" in group else f"/api/{group}"] = listed
        if "/" in group:
            groups.append({"name": group.partition("/")[0], "versions": [version], "preferredVersion": version})
    return found | {"/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}}


class Server(http.server.BaseHTTPRequestHandler):
    """As much of Kubernetes as a `lookup` asks for."""

    def do_GET(self):
        path = self.path.partition("?")[0]
        found = (discovery() | {PLACE: self.server.deployment}).get(path)
        body = json.dumps(found or {"kind": "Status", "apiVersion": "v1", "code": 404, "reason": "NotFound"}).encode()
        self.server.asked.add(path)
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def kubernetes(deployment: dict | None):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        server.deployment, server.asked = deployment, set()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def upgraded(deployment: dict | None, kind: str, tmp_path) -> dict:
    """The Deployment that an upgrade would install where `deployment` is."""
    with kubernetes(deployment) as server:
        environment = {name: str(tmp_path) for name in ("HOME", *(f"HELM_{part}_HOME" for part in HOMES))}
        arguments = [
            *("template", "martlet", kit.CHART, "--namespace", "live"),
            *("--dry-run=server", "--disable-openapi-validation"),
            *("--kube-apiserver", f"http://127.0.0.1:{server.server_port}"),
            *("--set", "existingSecret=martlet", "--set", f"autoscaling.kind={kind}"),
            *("--set", "autoscaling.keda.serverAddress=http://prometheus"),
        ]
        command = [kit.HELM, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
        assert result.returncode == 0, result.stderr
        assert kind == "none" or PLACE in server.asked
    documents = [document for document in yaml.safe_load_all(result.stdout) if document]
    return chart.one(documents, "Deployment")


def running(made: dict, replicas: int) -> dict:
    """What Kubernetes has of it some time later, with what Helm and Kubernetes write on it."""
    written = {
        "meta.helm.sh/release-name": "martlet",
        "meta.helm.sh/release-namespace": "live",
        "deployment.kubernetes.io/revision": "1",
    }
    metadata = made["metadata"] | {"annotations": made["metadata"].get("annotations", {}) | written}
    return made | {"metadata": metadata, "spec": made["spec"] | {"replicas": replicas}}


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_an_autoscaler_takes_over_as_many_nodes_as_there_are(kind, tmp_path):
    """What was in one manifest and is not in the next becomes its default: one node."""
    before = upgraded(None, "none", tmp_path)
    assert before["spec"]["replicas"] == 3
    after = upgraded(running(before, 7), kind, tmp_path)
    assert after["spec"]["replicas"] == 7
    # And so for ever after: it stands in the manifest before.
    assert upgraded(running(after, 12), kind, tmp_path)["spec"]["replicas"] == 12
    # One that lay still is not woken.
    assert upgraded(running(before, 0), kind, tmp_path)["spec"]["replicas"] == 0


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_a_release_that_began_with_an_autoscaler_leaves_the_number_alone(kind, tmp_path):
    """So that taking back an upgrade does not bring back the number of then."""
    first = upgraded(None, kind, tmp_path)
    assert "replicas" not in first["spec"]
    second = upgraded(running(first, 9), kind, tmp_path)
    assert "replicas" not in second["spec"]
    # Without the autoscaler it has a number, and then keeps one.
    third = upgraded(running(second, 9), "none", tmp_path)
    assert third["spec"]["replicas"] == 3
    assert upgraded(running(third, 5), kind, tmp_path)["spec"]["replicas"] == 5
