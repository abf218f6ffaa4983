# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The end of a node, from outside: readiness, the pace of the drain, the second signal."""

import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import confluent_kafka
import pytest
import websockets.exceptions
import websockets.sync.client

from clients import token
from cluster import API_KEY, DEBUG, ROOT, SECRET, Node, Process, free_port, wait_for
from test_garbage import HANDSHAKE, frame, send


@pytest.fixture
def node(tmp_path):
    started = []

    def start(**environment):
        public, internal = free_port(), free_port()
        process = Process(
            "node", [ROOT / ".build/debug/martlet", "serve"], tmp_path,
            {"MARTLET_LISTEN_PUBLIC": f"127.0.0.1:{public}", "MARTLET_LISTEN_INTERNAL": f"127.0.0.1:{internal}"}
            | environment).start()
        started.append(process)
        wait_for("the node", lambda: readiness(internal)[0] == 200)
        return process, public, internal

    yield start
    for process in started:
        process.stop(5, signal.SIGKILL)


def readiness(internal: int):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{internal}/readyz", timeout=15) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def open_socket(public: int) -> socket.socket:
    """A plain WebSocket with one subscription."""
    connection = socket.create_connection(("127.0.0.1", public), timeout=30)
    connection.sendall(HANDSHAKE.format(path="/ws").encode())
    request = b'{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"a"}}'
    connection.sendall(frame(1, request))
    received = b""
    while b'"id":1' not in received:
        piece = connection.recv(4096)
        assert piece, received
        received += piece
    return connection


def test_a_drain_ends_connections_evenly_and_says_when_to_come_back(node):
    # No pings between the farewells.
    process, public, internal = node(
        MARTLET_DRAIN_DELAY="6s", MARTLET_DRAIN_WINDOW="8s", MARTLET_LIMITS_PING_INTERVAL="10m")
    sockets = [open_socket(public) for _ in range(40)]
    process.send(signal.SIGTERM)
    wait_for("unready", lambda: readiness(internal)[0] == 503)
    assert readiness(internal)[1]["state"] == "draining"
    # The balancer has not noticed yet: who comes now is still served, though no answer keeps its connection.
    late = open_socket(public)
    answer = send(public, b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", patience=30)
    assert answer.startswith(b"HTTP/1.1 404") and b"Connection: close" in answer, answer
    ends = []
    with selectors.DefaultSelector() as waiting:
        for connection in sockets + [late]:
            waiting.register(connection, selectors.EVENT_READ)
        # In whatever order they are told.
        while waiting.get_map():
            told = waiting.select(30)
            assert told, f"{len(waiting.get_map())} were not told"
            for key, _ in told:
                ends.append(time.monotonic())
                waiting.unregister(key.fileobj)
                farewell = key.fileobj.recv(4096)
                assert farewell[:1] == b"\x88" and int.from_bytes(farewell[2:4], "big") == 1012, farewell
                assert b"retry after" in farewell
    # Give or take a moment when the machine had other things to do.
    halves = sum(end < (ends[0] + ends[-1]) / 2 for end in ends)
    assert 0.2 < halves / len(ends) < 0.8, ends
    assert ends[-1] - ends[0] > 4, ends
    for connection in sockets + [late]:
        connection.close()
    assert process.child.wait(60) == 0


def test_while_it_drains_a_node_refuses_with_the_advice_to_come_later(node):
    process, public, internal = node(MARTLET_DRAIN_DELAY="0s", MARTLET_DRAIN_WINDOW="120s")
    kept = [open_socket(public) for _ in range(4)]
    process.send(signal.SIGTERM)
    wait_for("unready", lambda: readiness(internal)[0] == 503)
    wait_for("refusals", lambda: send(public, HANDSHAKE.format(path="/ws").encode()).startswith(b"HTTP/1.1 503"))
    answer = send(public, HANDSHAKE.format(path="/ws").encode(), patience=30)
    assert answer.startswith(b"HTTP/1.1 503") and b"Retry-After:" in answer and b"Connection: close" in answer, answer
    answer = send(public, b"GET /events?channel=a HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n", patience=30)
    assert answer.startswith(b"HTTP/1.1 200") and b"\nretry: " in answer, answer
    process.send(signal.SIGTERM)
    for connection in kept:
        connection.close()
    assert process.child.wait(60) == 0


def test_the_second_signal_ends_what_is_left_at_once(node):
    process, public, internal = node(
        MARTLET_DRAIN_DELAY="120s", MARTLET_DRAIN_WINDOW="120s", MARTLET_LIMITS_PING_INTERVAL="10m")
    connection = open_socket(public)
    process.send(signal.SIGTERM)
    wait_for("unready", lambda: readiness(internal)[0] == 503)
    process.send(signal.SIGTERM)
    assert process.child.wait(60) == 0
    assert connection.recv(4096)[:1] == b"\x88", "no goodbye"
    connection.close()


def test_kafka_ends_sessions_until_the_last_connection_is_gone(tmp_path):
    broker = Process(
        "kafka", [DEBUG / "kafka-broker", "--topic", "events:1"], tmp_path, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE).start()
    node = None
    try:
        brokers = broker.child.stdout.readline().decode().strip().partition("=")[2]
        node = Node(tmp_path, {
            "MARTLET_AUTH_HMAC_SECRET": SECRET, "MARTLET_API_KEYS": API_KEY, "MARTLET_KAFKA_BROKERS": brokers,
            "MARTLET_KAFKA_TOPICS": "events",
            "MARTLET_KAFKA_START": "earliest", "MARTLET_DRAIN_DELAY": "0s", "MARTLET_DRAIN_WINDOW": "300s",
            "MARTLET_LIMITS_PING_INTERVAL": "10m"}).start()
        clients = [connect(node, SECRET, f"s{number}") for number in range(8)]
        node.process.send(signal.SIGTERM)
        wait_for("the drain", lambda: node.readiness()[0] == 503)
        wait_for("refusals", lambda: send(
            node.public, HANDSHAKE.format(path="/ws").encode()).startswith(b"HTTP/1.1 503"))
        # One goes by itself every half a minute; the others' sessions end before.
        producer = confluent_kafka.Producer({"bootstrap.servers": brokers, "linger.ms": 0})
        for number in range(8):
            producer.produce("events", json.dumps({"type": "session.revoked", "session": f"s{number}"}))
        assert producer.flush(30) == 0
        codes = [close_code(client) for client in clients]
        assert set(codes) <= {1012, 4500} and codes.count(4500) >= 5, codes
        # Nobody is left to wait for.
        assert node.process.child.wait(60) == 0
    finally:
        if node:
            node.process.stop(5, signal.SIGKILL)
        broker.stop(5)


def test_a_node_takes_no_more_connections_than_its_descriptors_allow(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400))

    asked = {"MARTLET_LIMITS_CONNECTIONS_MAX": "50000", "MARTLET_LIMITS_PING_INTERVAL": "10m"}
    checked = subprocess.run(
        [DEBUG / "martlet", "config", "check"], env=os.environ | asked, capture_output=True, text=True, timeout=60,
        preexec_fn=limit)
    warning = "limits.connections_max is 50000, but a process may have 400 descriptors here"
    assert checked.returncode == 0 and f"Warning: {warning}" in checked.stdout, checked.stdout + checked.stderr
    node = Node(tmp_path, asked)
    node.process.options["preexec_fn"] = limit
    sockets = []
    try:
        node.start()
        assert warning in node.process.log.read_text()
        # Less 256 for other things.
        sockets = [open_socket(node.public) for _ in range(144)]
        wait_for("its word that it is full", lambda: node.readiness()[1]["state"] == "at capacity")
        answer = send(node.public, HANDSHAKE.format(path="/ws").encode(), patience=30, end=b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503") and b"Retry-After:" in answer, answer
        metrics = node.metrics()
        assert metrics["martlet_connections_capacity"] == 144
        assert metrics["martlet_connections_utilization_ratio"] == 1
        assert metrics["martlet_descriptor_exhaustions_total"] == 0
        told = json.loads(node.get("/api/nodes")[1])["result"]["nodes"][0]
        assert told["capacity"] == 144 and told["utilization"] == 1
    finally:
        for connection in sockets:
            connection.close()
        node.process.stop(5, signal.SIGKILL)


def close_code(connection) -> int:
    with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
        while True:
            connection.recv(timeout=60)
    return closed.value.rcvd.code


def test_sighup_takes_over_keys_namespaces_and_limits(tmp_path):
    file = tmp_path / "martlet.yaml"
    text = """
auth.hmac_secret: {secret}
api.keys: [{key}]
drain: {{delay: 0s, window: 1s}}
limits.subscriptions_max: {subscriptions}
namespaces:
  - name: {name}
    subscribe: authenticated
"""
    file.write_text(text.format(secret="first-secret-0123456789", key="one", subscriptions=10, name="old"))
    node = Node(tmp_path, {"MARTLET_CONFIG": str(file)}).start()
    try:
        keeper = connect(node, "first-secret-0123456789")
        assert ask(keeper, "subscribe", channel="old:1")["result"] == {}
        assert "error" not in publish(node, "one", "old:1")

        # A file with an error changes nothing.
        file.write_text("limits.subscriptions_max: many\n")
        node.process.send(signal.SIGHUP)
        wait_for("the complaint", lambda: "was not taken over" in node.process.log.read_text())
        assert ask(keeper, "ping")["result"] == {}

        file.write_text(text.format(secret="second-secret-0123456789", key="two", subscriptions=1, name="new"))
        node.process.send(signal.SIGHUP)
        wait_for("the new configuration", lambda: "was read again" in node.process.log.read_text())
        with pytest.raises(urllib.error.HTTPError) as refused:
            publish(node, "one", "new:1")
        assert refused.value.code == 401
        assert publish(node, "two", "old:1")["error"]["code"] == 102
        # Who is in stays in; what it asks for from now on is judged anew.
        assert ask(keeper, "subscribe", channel="new:1")["error"]["code"] == 106
        assert ask(keeper, "unsubscribe", channel="old:1")["result"] == {}
        assert ask(keeper, "subscribe", channel="old:1")["error"]["code"] == 102
        assert ask(keeper, "subscribe", channel="new:1")["result"] == {}
        newcomer = connect(node, "second-secret-0123456789")
        assert ask(newcomer, "subscribe", channel="new:1")["result"] == {}
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            connect(node, "first-secret-0123456789")
    finally:
        node.process.stop(10)


def connect(node: Node, secret: str, session: str = "s-ann") -> websockets.sync.client.ClientConnection:
    connection = websockets.sync.client.connect(f"ws://127.0.0.1:{node.public}/ws", proxy=None, legacy=True)
    ask(connection, "connect", token=token(secret, "ann", session))
    return connection


def ask(connection, method: str, **params) -> dict:
    connection.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    while "id" not in (answer := json.loads(connection.recv(timeout=30))):
        pass
    return answer


def publish(node: Node, key: str, channel: str) -> dict:
    request = urllib.request.Request(
        f"http://127.0.0.1:{node.internal}/api/publish", json.dumps({"channel": channel, "data": 1}).encode(),
        {"Content-Type": "application/json", "X-API-Key": key})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())
