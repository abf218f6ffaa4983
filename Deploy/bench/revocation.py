#!/usr/bin/env python3
# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Measures how long an event takes from its producer to the close that a client receives, with the node full.

The producer is confluent-kafka, the events are those that any service would write. A run holds the connections anew;
of several runs each figure is told, and the best counts, because whatever else runs on the machine only adds to it.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from bench import LOAD_CORE, Bench, add_arguments, say  # noqa: E402
from cluster import TOPIC, Process, wait_for  # noqa: E402
from page import PAGE, machine, write_section  # noqa: E402

FETCH_WAIT = 5
EVENTS, EVENTS_PER_SECOND = 1_000, 100
PUBLISH_RATE, CHANNELS = 50, 100
# Besides these milliseconds for single sessions, 1,000 for the last of all.
P50, P99, LAST = 5, 25, 1_000
KINDS = {"single": "single sessions", "user": "all of one user", "claim": "all of one claim"}


class Revocations(Bench):
    def __init__(self, arguments):
        super().__init__(arguments)
        self.figures: list[dict] = []

    def run(self):
        for index in range(self.arguments.runs):
            for published in [0, PUBLISH_RATE]:
                say(f"run {index + 1}, {published} messages/s")
                self.measure("single", published)
                self.measure("user", published, users=1)
                self.measure("claim", published, claim="org=acme")

    def measure(self, kind: str, published: float, **clients):
        """Fills a node, sends events of a kind and takes down the milliseconds to each close."""
        count = self.arguments.connections
        broker = Process(
            "kafka", ["taskset", "-c", LOAD_CORE, self.broker_program, "--topic", f"{TOPIC}:4"], self.directory,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE).start()
        brokers = broker.child.stdout.readline().decode().strip().partition("=")[2]
        node = self.node(
            MARTLET_KAFKA_BROKERS=brokers, MARTLET_KAFKA_TOPICS=TOPIC, MARTLET_KAFKA_START="earliest",
            MARTLET_KAFKA_PROPERTIES=f"fetch.wait.max.ms={FETCH_WAIT},fetch.error.backoff.ms={FETCH_WAIT}",
            MARTLET_SESSIONS_INDEXED_CLAIMS="org")
        closes = self.directory / "closes"
        closes.unlink(missing_ok=True)
        options = {"kind": "jsonrpc", "clients": count, "rate": 4_000, "settle": 0,
                   "duration": 18 if kind == "single" else 10, "channels": CHANNELS, "closes-file": closes, **clients}
        if published:
            options |= {"publish-rate": published, "payload": 128}
        try:
            load = self.start_load(node.public, node, **options)
            wait_for("all clients", lambda: node.metrics()["martlet_open_connections"] >= count, 60)
            time.sleep(3)
            sent = self.produce(brokers, kind, count)
            report = self.finish_load(load)
            self.enter(kind, published, sent, closes, report)
        finally:
            node.process.stop()
            broker.stop()

    def produce(self, brokers: str, kind: str, count: int) -> dict[str | None, int]:
        """Sends the events; when each was handed to the producer, by the user it ends or for all."""
        from confluent_kafka import Producer
        producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0})

        def send(target: dict, of: str) -> int:
            event = {"id": f"{of}-{kind}", "type": f"{next(iter(target))}.revoked", "at": time.time()} | target
            at = time.time_ns()
            producer.produce(TOPIC, json.dumps(event), key=of)
            producer.poll(0)
            return at

        # Not the connections to the brokers, which any producer has.
        send({"session": "nobody"}, "nobody")
        producer.flush(10)
        sent, began = {}, time.monotonic()
        if kind == "user":
            sent[None] = send({"user": f"user-{0:011d}"}, "all")
        elif kind == "claim":
            sent[None] = send({"claim": {"name": "org", "value": "acme"}}, "all")
        for index in range(EVENTS if kind == "single" else 0):
            time.sleep(max(0, began + index / EVENTS_PER_SECOND - time.monotonic()))
            number = 1 + index * (count // EVENTS)
            sent[f"user-{number:011d}"] = send({"session": f"session-{number:014d}"}, str(number))
        producer.flush(10)
        return sent

    def enter(self, kind: str, published: float, sent: dict, closes: pathlib.Path, report: dict):
        rows = [line.split("\t") for line in closes.read_text().splitlines()]
        lags = sorted((int(at) - sent.get(user, sent.get(None, 0))) / 1e6 for user, at, _ in rows
                      if user in sent or None in sent)
        expected = EVENTS if kind == "single" else report["opened"]
        if len(lags) != expected:
            self.notes.append(f"Of {expected:,} clients {len(lags):,} were closed ({kind}).")
        if lags:
            figure = {
                "kind": kind, "published": published, "count": len(lags), "p50": lags[len(lags) // 2],
                "p99": lags[len(lags) * 99 // 100], "max": lags[-1], "first": lags[0],
                "received": report["messages"] / max(1, self.arguments.connections)}
            self.figures.append(figure)
            say(json.dumps(figure))

    # The page

    def lines(self) -> list[str]:
        count = self.arguments.connections
        load = PUBLISH_RATE * count // CHANNELS
        lines = [
            "## From a session event to the close at the client", "",
            f"{machine()}; a release build, one reactor thread on one core, the clients (`martlet-load`, processes and "
            "source addresses as descriptors and ports ask for), the Kafka-protocol broker and the producer on the "
            f"other, all on loopback. {count:,} authenticated connections on the node (JSON-RPC, HS256, one "
            f"subscription each to one of {CHANNELS} channels). The time runs from handing the event to "
            "`confluent-kafka` (`linger.ms` 0) to reading the close frame. The node asks with "
            f"`fetch.wait.max.ms={FETCH_WAIT}`: the test broker answers a fetch that finds nothing only after that whole time, which "
            "is in every figure; a real broker answers when something comes.", "",
            f"- **Single sessions**: {EVENTS:,} events `session.revoked`, {EVENTS_PER_SECOND} a second.",
            f"- **All at once**: one event that ends all {count:,} connections, of a user or of an indexed claim.",
            f"- **Under fan-out**: {PUBLISH_RATE} messages of 128 B a second over the API, {load:,} deliveries a "
            "second.",
            f"- **Runs**: {self.arguments.runs}; the best stands in the columns, p99 or last of every run behind."
            + (f" {self.arguments.note}" if self.arguments.note else ""), "",
            "| what | p50 | p99 | max | to reach | reached | runs |", "| --- | --- | --- | --- | --- | --- | --- |"]
        for published in [0, PUBLISH_RATE]:
            under = ", under fan-out" if published else ""
            for kind, what in KINDS.items():
                runs = [each for each in self.figures if (each["kind"], each["published"]) == (kind, published)]
                if runs:
                    lines.append(self.row_of(what + under, kind == "single", runs))
        return lines + ["", *(f"- {note}" for note in self.notes or ["Every client that was to be closed was."])]

    @staticmethod
    def row_of(what: str, is_single: bool, runs: list[dict]) -> str:
        measure = "p99" if is_single else "max"
        best = min(runs, key=lambda figure: figure[measure])
        if is_single:
            target, reached = f"p50 ≤ {P50} ms, p99 ≤ {P99} ms", best["p50"] <= P50 and best["p99"] <= P99
        else:
            target, reached = f"last ≤ {LAST:,} ms", best["max"] <= LAST
        figures = " | ".join(f"{best[name]:.1f} ms" for name in ["p50", "p99", "max"])
        every = ", ".join(f"{figure[measure]:.1f}" for figure in runs)
        return f"| {what} | {figures} | {target} | {'yes' if reached else '**no**'} | {every} ms |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--note", help="a sentence for the page, such as what else the machine did")
    parser.add_argument("--output", type=pathlib.Path, default=PAGE)
    arguments = parser.parse_args()
    bench = Revocations(arguments)
    try:
        bench.run()
        write_section("revocation", "Deploy/bench/revocation.py", bench.lines(), arguments.output)
    finally:
        if os.environ.get("BENCH_KEEP_LOGS"):
            say(f"logs: {bench.directory}")
        else:
            shutil.rmtree(bench.directory, ignore_errors=True)


if __name__ == "__main__":
    main()
