# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The files of Deploy/haproxy, Deploy/nginx and Deploy/envoy, placed before the nodes of a test."""

import json
import pathlib
import re
import subprocess
import sys

import yaml

import kit
from cluster import Node, Process, free_port

FILES = {
    "haproxy": "haproxy/haproxy.cfg",
    "nginx": "nginx/nginx.conf",
    "envoy": "envoy/envoy.yaml",
    "haproxy-proxy-protocol": "haproxy/haproxy-proxy-protocol.cfg",
    "nginx-proxy-protocol": "nginx/nginx-proxy-protocol.conf",
    "envoy-proxy-protocol": "envoy/envoy-proxy-protocol.yaml",
}


def read(name: str) -> str:
    return (kit.ROOT / "Deploy" / FILES[name]).read_text()


def placed_text(text: str, nodes: list[Node], front: int, directory: pathlib.Path) -> str:
    """HAProxy's or nginx' file with the addresses of this test, and nothing else changed."""
    for number, node in enumerate(nodes, 1):
        text = text.replace(f"node-{number}:8000 port 9000", f"127.0.0.1:{node.public} port {node.internal}")
        text = text.replace(f"node-{number}:8000", f"127.0.0.1:{node.public}")
    # There are fewer nodes than in the file.
    text = re.sub(r"^.*\bnode-\d:8000.*\n", "", text, flags=re.MULTILINE)
    folders = "".join(
        f"    {name}_temp_path {directory}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    for found, instead in {
        "bind :8080\n": f"bind 127.0.0.1:{front}\n",
        "bind :8404\n": f"bind 127.0.0.1:{free_port()}\n",
        "listen 8080 ": f"listen 127.0.0.1:{front} ",
        # As many descriptors as there are for a test, and files in a place of its own.
        "maxconn 100000": "maxconn 4000",
        "worker_rlimit_nofile 200000": "worker_rlimit_nofile 4096",
        "worker_connections 65536": "worker_connections 1024",
        "/run/nginx.pid": f"{directory}/nginx.pid",
        "http {\n": f"http {{\n{folders}",
    }.items():
        text = text.replace(found, instead)
    return text


def placed_envoy(text: str, nodes: list[Node], front: int) -> str:
    """Envoy's file, likewise."""
    configuration = yaml.safe_load(text)
    configuration["admin"]["address"]["socket_address"]["port_value"] = free_port()
    resources = configuration["static_resources"]
    resources["listeners"][0]["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": front}
    endpoints = resources["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"]
    del endpoints[len(nodes) :]
    for entry, node in zip(endpoints, nodes, strict=True):
        entry["endpoint"]["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": node.public}
        entry["endpoint"]["health_check_config"]["port_value"] = node.internal
    # As JSON, which is YAML in which lines cannot be folded.
    return json.dumps(configuration)


def balancer(name: str, nodes: list[Node], front: int, directory: pathlib.Path) -> Process:
    """Checks the file as its program does, and does not start it yet."""
    path = directory / pathlib.Path(FILES[name]).name
    kind = name.partition("-")[0]
    text = read(name)
    path.write_text(placed_envoy(text, nodes, front) if kind == "envoy" else placed_text(text, nodes, front, directory))
    envoy = pathlib.Path(sys.executable).with_name("envoy")
    check, run = {
        "haproxy": (["haproxy", "-c", "-q", "-f", path], ["haproxy", "-db", "-f", path]),
        # Alone, not as root's daemon: one process, one worker.
        "nginx": (
            ["nginx", "-t", "-q", "-e", "stderr", "-c", path],
            ["nginx", "-e", "stderr", "-c", path, "-g", "daemon off; master_process off;"],
        ),
        "envoy": (
            [envoy, "--mode", "validate", "-l", "warn", "-c", path],
            [envoy, "--concurrency", "1", "--disable-hot-restart", "-l", "warn", "-c", path],
        ),
    }[kind]
    result = subprocess.run(check, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "[warn" not in result.stderr.lower(), result.stderr
    return Process(kind, run, directory)
