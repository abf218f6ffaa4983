#!/usr/bin/env python3
# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A Martlet cluster on one machine: nodes behind HAProxy, with Redis, a Kafka-protocol broker and Prometheus.

As a program it runs until it is interrupted (`make cluster`); as a module the cluster tests drive it.
Everything listens on loopback, writes under one directory, and ends with the cluster.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEBUG = ROOT / ".build" / "debug"
TOPIC = "session-events"
SECRET = "a-secret-for-trying-out-only-0123456789"
API_KEY = "try-out"
# For nodes whose end is not what is tested.
QUICK_DRAIN = {"MARTLET_DRAIN_DELAY": "0s", "MARTLET_DRAIN_WINDOW": "1s"}

NAMESPACES = """
namespaces:
  - subscribe: authenticated
    publish: authenticated
  - name: chat
    subscribe: authenticated
    publish: authenticated
  - name: news
    subscribe: anonymous
  - name: room
    subscribe: authenticated
    publish: authenticated
    history_size: 100
    history_ttl: 24h
    presence: true
    join_leave: true
  - name: dm
    subscribe: authenticated
    publish: authenticated
    history_size: 100
    history_ttl: 24h
    presence: true
    join_leave: true
  - name: story
    subscribe: authenticated
    history_size: 10000
    history_ttl: 10m
"""


def free_port() -> int:
    """A port nobody listens on, out of those that the kernel gives to no client: it stays free until it is used."""
    while True:
        with socket.socket() as probe:
            port = random.randrange(10_000, 32_000)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for(what: str, check, seconds: float = 30):
    """Calls `check` until it returns something true; raises with `what` when it never does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = check()
            if found:
                return found
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def connectable(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


class Process:
    """A child with its output in a file."""

    def __init__(self, name: str, command: list, directory: pathlib.Path, environment: dict | None = None, **options):
        self.name, self.command, self.environment = name, [str(part) for part in command], environment
        self.log = directory / f"{name}.log"
        self.options = options
        self.child: subprocess.Popen | None = None

    def start(self):
        with open(self.log, "ab") as log:
            options = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL} | self.options
            environment = os.environ | (self.environment or {})
            self.child = subprocess.Popen(self.command, env=environment, **options)
        return self

    def send(self, number: int):
        if self.child and self.child.poll() is None:
            self.child.send_signal(number)

    def stop(self, seconds: float = 30, number: int = signal.SIGTERM) -> int | None:
        if not self.child:
            return None
        self.send(signal.SIGCONT)
        self.send(number)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()


class Node:
    """One `martlet serve`: alone, on free ports, in development mode, unless the environment says otherwise."""

    def __init__(
        self, directory: pathlib.Path, environment: dict | None = None, name: str = "node",
        public: int | None = None, internal: int | None = None, martlet: pathlib.Path = DEBUG / "martlet",
    ):
        self.public, self.internal = public or free_port(), internal or free_port()
        listening = {
            "MARTLET_LISTEN_PUBLIC": f"127.0.0.1:{self.public}",
            "MARTLET_LISTEN_INTERNAL": f"127.0.0.1:{self.internal}",
            "MARTLET_NODE_NAME": name,
        }
        self.process = Process(name, [martlet, "serve"], directory, listening | (environment or {}))

    def start(self, ready: bool = True):
        self.process.start()
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, seconds: float = 60):
        wait_for(f"{self.process.name} ready", self.is_ready, seconds)

    def is_ready(self) -> bool:
        if self.process.child and self.process.child.poll() is not None:
            code = self.process.child.returncode
            raise RuntimeError(f"{self.process.name} ended with {code}: see {self.process.log}")
        return self.readiness()[0] == 200

    def get(self, path: str, timeout: float = 15):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.internal}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def readiness(self):
        status, body = self.get("/readyz")
        return status, json.loads(body)

    def metrics(self) -> dict:
        """Every sample by its name with labels."""
        samples = {}
        for line in self.get("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def api(self, method: str, body: dict, timeout: float = 20) -> dict:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.internal}/api/{method}", json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-API-Key": API_KEY})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read())


class Cluster:
    def __init__(
        self, nodes: int = 3, fixed_ports: bool = False, build: str = "debug", partitions: int = 4,
        node_environment: dict | None = None, prometheus: bool = True,
        durable_redis: bool = False, spares: int = 0, brokers: int = 1,
    ):
        """`spares` are nodes that the balancer knows of and that are started later."""
        self.fixed_ports = fixed_ports
        binaries = ROOT / ".build" / build
        self.martlet, broker = binaries / "martlet", binaries / "kafka-broker"
        self.node_environment = node_environment or {}
        self.brokers = ""
        self.redis_port, self.front_port = self.port(6380), self.port(8000)
        self.prometheus_port = self.port(9090)
        self.stats_port = self.port(8404)
        self.balance = "leastconn"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="martlet-cluster-"))
        (self.directory / "martlet.yaml").write_text(NAMESPACES)
        self.redis = Process(
            "redis",
            ["redis-server", "--port", self.redis_port, "--bind", "127.0.0.1", "--dir", self.directory, "--save", "",
             "--appendonly", "yes" if durable_redis else "no", "--appendfsync", "always"],
            self.directory)
        self.broker = Process(
            "kafka", [broker, "--brokers", brokers, "--topic", f"{TOPIC}:{partitions}"], self.directory,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.haproxy: Process | None = None
        self.prometheus: Process | None = None
        self.with_prometheus = prometheus
        self.node_count, self.spare_count = nodes, spares
        self.nodes: list[Node] = []

    def port(self, fixed: int) -> int:
        if not self.fixed_ports:
            return free_port()
        with socket.socket() as probe:
            # As servers do, so that connections of the last run that linger are no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", fixed))
            except OSError as error:
                raise RuntimeError(f"port {fixed}: {error.strerror} (ss -ltnp tells who listens there)") from None
        return fixed

    def start(self):
        try:
            self.redis.start()
            wait_for("redis", lambda: connectable(self.redis_port))
            self.broker.start()
            line = self.broker.child.stdout.readline().decode().strip()
            self.brokers = line.partition("=")[2]
            if not self.brokers:
                raise RuntimeError(f"the Kafka-protocol broker said {line!r}: see {self.broker.log}")
            for _ in range(self.node_count):
                self.add_node(ready=False)
            for node in self.nodes:
                node.wait_ready()
            for _ in range(self.spare_count):
                self.make_node()
            self.start_haproxy()
            if self.with_prometheus:
                self.start_prometheus()
            return self
        except BaseException:
            self.stop()
            raise

    def add_node(self, ready: bool = True, **extra) -> Node:
        return self.make_node(**extra).start(ready)

    def make_node(self, **extra) -> Node:
        index = len(self.nodes)
        environment = {
            "MARTLET_CONFIG": str(self.directory / "martlet.yaml"),
            "MARTLET_REDIS_URLS": f"redis://127.0.0.1:{self.redis_port}",
            "MARTLET_KAFKA_BROKERS": self.brokers,
            "MARTLET_KAFKA_TOPICS": TOPIC,
            # The broker of the tests keeps no index by time.
            "MARTLET_KAFKA_START": "earliest",
            "MARTLET_AUTH_HMAC_SECRET": SECRET,
            "MARTLET_API_KEYS": API_KEY,
        } | self.node_environment | extra
        node = Node(
            self.directory, environment, f"node-{index + 1}", self.port(8001 + index), self.port(9001 + index),
            self.martlet)
        self.nodes.append(node)
        return node

    def start_haproxy(self):
        servers = "\n".join(
            f"    server {node.process.name} 127.0.0.1:{node.public} check port {node.internal} inter 500 fall 2 rise 1"
            for node in self.nodes)
        template = (ROOT / "Deploy" / "local" / "haproxy.cfg").read_text()
        text = (
            template.replace("@FRONT@", str(self.front_port))
            .replace("@STATS@", str(self.stats_port))
            .replace("@BALANCE@", self.balance)
            .replace("@SERVERS@", servers))
        path = self.directory / "haproxy.cfg"
        path.write_text(text)
        self.haproxy = Process("haproxy", ["haproxy", "-db", "-f", path], self.directory).start()
        wait_for("haproxy", lambda: connectable(self.front_port))

    def start_prometheus(self):
        targets = ", ".join(f"'127.0.0.1:{node.internal}'" for node in self.nodes)
        path = self.directory / "prometheus.yml"
        path.write_text(
            "global: {scrape_interval: 1s}\n"
            f"rule_files: [{ROOT / 'Deploy' / 'prometheus' / 'alerts.yaml'}]\n"
            f"scrape_configs:\n  - job_name: martlet\n    static_configs: [{{targets: [{targets}]}}]\n")
        self.prometheus = Process(
            "prometheus",
            ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={self.directory / 'prometheus'}",
             f"--web.listen-address=127.0.0.1:{self.prometheus_port}"], self.directory).start()
        wait_for("prometheus", lambda: connectable(self.prometheus_port), 30)

    def broker_command(self, line: str) -> str:
        """One command to the broker, such as `down 1`; its answer."""
        self.broker.child.stdin.write(f"{line}\n".encode())
        self.broker.child.stdin.flush()
        return self.broker.child.stdout.readline().decode().strip()

    def nodes_up(self) -> int:
        """How many nodes the balancer sends clients to."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.stats_port}/;csv", timeout=15) as answer:
            rows = [line.split(",") for line in answer.read().decode().splitlines()]
        return sum(row[0] == "nodes" and row[1] != "BACKEND" and row[17].startswith("UP") for row in rows if len(row) > 17)

    def query(self, expression: str) -> float | None:
        """What Prometheus answers; nothing where it knows nothing."""
        query = urllib.parse.urlencode({"query": expression})
        url = f"http://127.0.0.1:{self.prometheus_port}/api/v1/query?{query}"
        with urllib.request.urlopen(url, timeout=15) as answer:
            result = json.loads(answer.read())["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    def open_connections(self) -> int:
        return int(sum(node.metrics()["martlet_open_connections"] for node in self.running()))

    def running(self) -> list[Node]:
        return [node for node in self.nodes if node.process.child and node.process.child.poll() is None]

    def stop(self):
        for node in self.nodes:
            node.process.send(signal.SIGCONT)
            node.process.stop(5, signal.SIGKILL)
        for process in [self.haproxy, self.prometheus, self.broker, self.redis]:
            if process:
                process.stop(5)
        if not os.environ.get("CLUSTER_KEEP_LOGS"):
            shutil.rmtree(self.directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--build", default="debug", choices=["debug", "release"])
    arguments = parser.parse_args()
    stopped = []
    for number in [signal.SIGINT, signal.SIGTERM]:
        signal.signal(number, lambda *_: stopped.append(True))
    pages = {"MARTLET_CONSOLE_ENABLED": "true", "MARTLET_DEMO_ENABLED": "true"}
    try:
        cluster = Cluster(arguments.nodes, fixed_ports=True, build=arguments.build, node_environment=pages)
        cluster.start()
    except (TimeoutError, RuntimeError, OSError) as error:
        sys.exit(f"The cluster did not start: {error}")
    introduce(cluster)
    while not stopped:
        time.sleep(0.2)
        for node in cluster.nodes:
            if node.process.child.poll() is not None and not getattr(node, "told", False):
                node.told = True
                print(f"{node.process.name} ended with {node.process.child.returncode}", flush=True)
    print("Ending the cluster.", flush=True)
    cluster.stop()


def introduce(cluster: Cluster):
    """Says where everything is, with commands to begin with."""
    api = f"http://127.0.0.1:{cluster.nodes[0].internal}/api"
    post = f"curl -H 'X-API-Key: {API_KEY}' -H 'Content-Type: application/json'"
    print(f"""
Martlet cluster of {len(cluster.nodes)} nodes; end it with Ctrl-C.
  clients          http://127.0.0.1:{cluster.front_port} (HAProxy), nodes on {[node.public for node in cluster.nodes]}
  consoles         {" ".join(f"http://127.0.0.1:{node.internal}" for node in cluster.nodes)}, API key {API_KEY}
  Kafka brokers    {cluster.brokers}, topic {TOPIC}
  Redis            redis://127.0.0.1:{cluster.redis_port}
  Prometheus       http://127.0.0.1:{cluster.prometheus_port}
  HAProxy          http://127.0.0.1:{cluster.stats_port}
  logs             {cluster.directory} (gone with the cluster; kept with CLUSTER_KEEP_LOGS=1)
  nodes            MARTLET_API_KEYS={API_KEY} {cluster.martlet} status --server {api.removesuffix("/api")}

A token, a client, a message through one node, and the user's end through Kafka:
  TOKEN=$(MARTLET_AUTH_HMAC_SECRET={SECRET} {cluster.martlet} token --user ann --session s1)
  curl -N "http://127.0.0.1:{cluster.front_port}/events?channel=news&access_token=$TOKEN" &
  {post} -d '{{"channel":"news","data":{{"text":"hello"}}}}' {api}/publish
  echo '{{"id":"1","type":"user.revoked","user":"ann"}}' | kcat -P -b {cluster.brokers.split(",")[0]} -t {TOPIC}
""", flush=True)


if __name__ == "__main__":
    main()
