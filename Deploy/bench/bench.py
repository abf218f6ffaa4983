#!/usr/bin/env python3
# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Measures a release build beside the least that a broadcaster can do, in one run, and writes its section of Docs/Benchmarks.md.

What is measured, and how, is told in the page itself; `--only` picks some of it. Everything runs on loopback.
"""

import argparse
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Deploy" / "local"))
sys.path.insert(0, str(ROOT / "Deploy" / "bench"))

from cluster import API_KEY, NAMESPACES, SECRET, Node, Process, connectable, free_port, wait_for  # noqa: E402
from page import PAGE, machine, write_section  # noqa: E402

# The server has one core, all else the other.
SERVER_CORE, LOAD_CORE = "0", "1"
KINDS = {"jsonrpc": "WebSocket, JSON-RPC", "centrifuge": "WebSocket, Centrifuge JSON", "events": "event stream"}


def say(text: str):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Authority:
    """The validator's other end: finds every session valid."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        calls = 0

        def do_POST(self):
            Authority.Handler.calls += 1
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b'{"invalid":[]}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/validate"


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        binaries = ROOT / ".build" / "release"
        self.martlet = arguments.martlet or binaries / "martlet"
        self.load_tool = arguments.load or binaries / "martlet-load"
        self.broker_program = arguments.broker or binaries / "kafka-broker"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="martlet-bench-"))
        (self.directory / "martlet.yaml").write_text(NAMESPACES)
        self.floor_program = self.directory / "broadcaster"
        self.authority = Authority()
        self.rows: list[dict] = []
        self.notes: list[str] = []
        self.commands: list[str] = []

    # Processes

    def node(self, **extra) -> Node:
        environment = {
            "MARTLET_CONFIG": str(self.directory / "martlet.yaml"),
            "MARTLET_AUTH_HMAC_SECRET": SECRET,
            "MARTLET_API_KEYS": API_KEY,
            "MARTLET_REACTOR_THREADS": "1",
            "MARTLET_VALIDATION_KIND": "http",
            "MARTLET_VALIDATION_URL": self.authority.url,
            "MARTLET_DRAIN_DELAY": "0s",
            "MARTLET_DRAIN_WINDOW": "1s",
        } | extra
        node = Node(self.directory, environment, martlet=self.martlet)
        node.process.command = ["taskset", "-c", SERVER_CORE, *node.process.command]
        return node.start()

    def redis(self):
        port = free_port()
        process = Process(
            "redis", ["taskset", "-c", LOAD_CORE, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
                      "--appendonly", "no"], self.directory).start()
        wait_for("redis", lambda: connectable(port))
        return process, f"redis://127.0.0.1:{port}"

    def load(self, target: int, node: Node | None = None, **options) -> dict:
        """Runs martlet-load to its end."""
        return self.finish_load(self.start_load(target, node, **options))

    def start_load(self, target: int, node: Node | None = None, **options) -> subprocess.Popen:
        if node:
            options |= {"secret": SECRET, "server-pid": node.process.child.pid}
            if "publish-rate" in options or "revoke" in options:
                options |= {"api": f"127.0.0.1:{node.internal}", "api-key": API_KEY}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command = ["taskset", "-c", LOAD_CORE, str(self.load_tool), "--quiet", "--target", f"127.0.0.1:{target}", *words]
        with open(self.directory / "load.log", "ab") as log:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)

    def finish_load(self, process: subprocess.Popen) -> dict:
        output, _ = process.communicate(timeout=900)
        report = json.loads(output)
        if not report["isBalanced"] or report["refused"]:
            self.notes.append(f"A run's books: {report['books']}, refused: {report['refused']}.")
        return report

    def command(self, kind: str, **options) -> str:
        words = " ".join(f"--{name} {value}" for name, value in options.items())
        return f"martlet-load --kind {kind} {words}"

    def row(self, what, martlet, floor, target, is_reached, command):
        """A line of the table; `martlet` and `floor` are a number and its text."""
        ratio = f"{martlet[0] / floor[0]:.2f}" if floor and floor[0] else "–"
        self.rows.append({
            "what": what, "martlet": martlet[1], "floor": floor[1] if floor else "–", "ratio": ratio,
            "target": target, "reached": "yes" if is_reached else "**no**", "command": command,
        })
        say(f"{what}: {martlet[1]}, floor {self.rows[-1]['floor']}, ratio {ratio}, to reach {target}: {is_reached}")

    # Measurements

    def idle(self):
        """Bytes of a connection at rest: the slope between two levels, after a cycle that warms everything up."""
        high, low = self.arguments.connections, 2_000
        for kind, most in [("jsonrpc", 600), ("centrifuge", 600), ("events", 700)]:
            node = self.node()
            try:
                self.load(node.public, node, kind=kind, clients=low, rate=4_000, duration=0, settle=2)
                options = {"clients": high, "checkpoints": low, "rate": 4_000, "settle": self.arguments.settle,
                           "duration": 0, "channels": 1_000}
                report = self.load(node.public, node, kind=kind, **options)
                size, own = report["pssBytesPerClient"], report["anonymousBytesPerClient"]
                self.row(f"idle connection, {KINDS[kind]}: resident bytes",
                         (own, f"{own:.0f} B (by PSS {size:.0f} B)"), None,
                         f"≤ {most} B (first day 1,500 B)", own <= most, self.command(kind, **options))
            finally:
                node.process.stop()

    def connects(self):
        count = 10_000
        floors = {}
        for kind, flags in [("bare-websocket", []), ("bare-events", ["--event-stream"])]:
            floor, port = self.floor(*flags, "--wait", "19999", "--seconds", "0", "1")
            report = self.load(port, kind=kind, clients=count, rate=2_000, duration=0, settle=1,
                               **{"server-pid": floor.pid})
            floors[kind] = report["cpuMicrosecondsPerConnect"]
            floor.send_signal(signal.SIGINT)
            floor.wait(10)
        for kind in KINDS:
            node = self.node()
            try:
                options = {"clients": count, "rate": 2_000, "duration": 0, "settle": 1}
                self.load(node.public, node, kind=kind, **options)
                report = self.load(node.public, node, kind=kind, **options)
                cost = report["cpuMicrosecondsPerConnect"]
                floor = floors["bare-events" if kind == "events" else "bare-websocket"]
                self.row(f"CPU per connect, {KINDS[kind]}", (cost, f"{cost:.1f} µs"),
                         (floor, f"{floor:.1f} µs (accept and upgrade only)"), "≤ 60 µs", cost <= 60,
                         self.command(kind, **options))
            finally:
                node.process.stop()

    def floor(self, *words):
        if not self.floor_program.exists():
            source = ROOT / "Deploy" / "bench" / "broadcaster.c"
            subprocess.run(["cc", "-O2", "-o", self.floor_program, source], check=True)
        command = ["taskset", "-c", SERVER_CORE, str(self.floor_program), *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        port = int(process.stdout.readline().decode().rsplit(":", 1)[1])
        return process, port

    def floor_delivery(self, rate: int, kind: str, seconds: int) -> dict:
        flags = ["--event-stream"] if kind == "events" else []
        if rate > 2:
            flags.append("--coalesce")
        count = self.arguments.subscribers
        process, port = self.floor(*flags, "--wait", str(count), "--seconds", str(seconds), str(rate))
        bare = "bare-events" if kind == "events" else "bare-websocket"
        report = self.load(port, kind=bare, clients=count, rate=4_000, duration=seconds + 4, settle=0, channels=1)
        result = json.loads(process.communicate(timeout=60)[0]) | {"load": report}
        if result["cut"]:
            self.notes.append(f"The floor at {rate}/s cut {result['cut']} clients that did not keep up.")
        return result

    def deliveries(self):
        count = self.arguments.subscribers
        redis, url = self.redis() if shutil.which("redis-server") else (None, None)
        try:
            for rate in [2, 60]:
                seconds = self.arguments.seconds
                floors = {kind: self.floor_delivery(rate, kind, seconds) for kind in ["jsonrpc", "events"]}
                for kind in KINDS:
                    floor = floors["events" if kind == "events" else "jsonrpc"]
                    self.delivery(kind, rate, seconds, count, floor, {}, "memory bus", 1.05)
                    if url and kind != "centrifuge":
                        self.delivery(kind, rate, seconds, count, floor, {"MARTLET_REDIS_URLS": url}, "Redis bus", 1.1)
        finally:
            if redis:
                redis.stop()

    def delivery(self, kind, rate, seconds, count, floor, environment, bus, most):
        node = self.node(**environment)
        try:
            options = {"clients": count, "channels": 1, "rate": 4_000, "publish-rate": rate, "duration": seconds,
                       "payload": 128, "settle": 2}
            report = self.load(node.public, node, kind=kind, **options)
            cost, user = report["cpuMicrosecondsPerDelivery"], report["userMicrosecondsPerDelivery"]
            latency = report["latencyMicroseconds"]
            self.row(
                f"CPU per delivery, {KINDS[kind]}, {count:,} × {rate}/s × 128 B, {bus}",
                (cost, f"{cost:.2f} µs (user {user:.2f}); latency p50 {latency['p50'] / 1e3:.0f} ms, "
                       f"p99 {latency['p99'] / 1e3:.0f} ms"),
                (floor["cpu_us_per_delivery"],
                 f"{floor['cpu_us_per_delivery']:.2f} µs (user {floor['user_us_per_delivery']:.2f}); latency p50 "
                 f"{floor['load']['latencyMicroseconds']['p50'] / 1e3:.0f} ms"),
                f"≤ {most:.2f} × floor (first day 1.25)", cost <= most * floor["cpu_us_per_delivery"],
                self.command(kind, **options))
        finally:
            node.process.stop()

    # The page

    def write(self, path: pathlib.Path):
        lines = [
            "## A node beside the floor", "",
            f"{machine()}; a release build, one "
            "reactor thread. The server is pinned to one core, the clients, Redis and the broker to the other, all on "
            "loopback: the sender of a message pays for part of its receiving, in Martlet as in the floor. Other work "
            "on the machine disturbs latencies more than it does CPU time.", "",
            "- **Bytes** are the slope of the server's resident memory between 2,000 and "
            f"{self.arguments.connections:,} connections after one cycle of 2,000 that warmed it up (one of as many "
            "would leave its memory behind for the next): anonymous memory, and in brackets the proportional set size, "
            "which also moves with others that map the same libraries. Tokens HS256 "
            "(`sub` 16 bytes, `sid` and `jti` 22), one of 1,000 channels each, validator `http`, pings running "
            f"({self.arguments.settle} s at each level). The kernel's share of a socket is not in it.",
            "- **CPU** is user and system time of the server process from `/proc`, divided by what it did. A connect is "
            "accept, upgrade, token, connect and subscribe.",
            "- **The floor** is `Deploy/bench/broadcaster.c`: one epoll loop in C without identity, channels or pings, "
            "measured in the same run with the same clients; at 60 messages a second it coalesces, as Martlet does. "
            "Where cost times rate comes near a whole core, as 1.6 µs × 600,000/s does, both take what there is and "
            "fill it by coalescing less: there a ratio of 1 says only that both keep up, and latency tells them apart.",
            "- **One run** is one sample of each figure. On a machine that others use, the same build scattered by a "
            "tenth and more from run to run.",
            "- **Books**: every client numbers what it gets; what is lost, twice or out of order is told below.", "",
            "| what | Martlet | floor | ratio | to reach | reached | command |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for row in self.rows:
            lines.append(
                f"| {row['what']} | {row['martlet']} | {row['floor']} | {row['ratio']} | {row['target']} | "
                f"{row['reached']} | `{row['command']}` |")
        lines += ["", "In this run:", ""] + [f"- {note}" for note in self.notes or ["Every book balanced."]]
        write_section("node", "make bench", lines, path)


def add_arguments(parser: argparse.ArgumentParser):
    """Those of every program here that measures with a node."""
    parser.add_argument("--martlet", type=pathlib.Path, help="the node's program; else the release build")
    parser.add_argument("--load", type=pathlib.Path, help="the load tool")
    parser.add_argument("--broker", type=pathlib.Path, help="the Kafka-protocol broker")
    parser.add_argument("--connections", type=int, default=19_000)


def main():
    suites = ["idle", "connects", "deliveries"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--settle", type=int, default=30, help="seconds at each level of the memory measurement")
    parser.add_argument("--seconds", type=int, default=20, help="seconds of publishing for each figure")
    parser.add_argument("--only", default=",".join(suites), help="suites, separated by commas")
    parser.add_argument("--output", type=pathlib.Path, default=PAGE)
    arguments = parser.parse_args()
    bench = Bench(arguments)
    try:
        for suite in arguments.only.split(","):
            say(suite)
            getattr(bench, suite)()
        bench.write(arguments.output)
    finally:
        if os.environ.get("BENCH_KEEP_LOGS"):
            say(f"logs: {bench.directory}")
        else:
            shutil.rmtree(bench.directory, ignore_errors=True)


if __name__ == "__main__":
    main()
