# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Brokers that are spoken to over TLS and ask for a password: who has the right one reads and writes there, who has not
lets nobody in and says why."""

import asyncio
import json
import subprocess

import aiohttp
import pytest
import pytest_asyncio

from clients import WebSocketClient, token, until
from cluster import API_KEY, DEBUG, QUICK_DRAIN, SECRET, Node, Process
from kafka_gate import KafkaGate, certificate

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOPIC = "events"
USER, PASSWORD = "martlet", "the right one"


class Brokers:
    def __init__(self, directory):
        self.directory = directory
        command = [DEBUG / "kafka-broker", "--topic", f"{TOPIC}:1"]
        self.broker = Process("kafka", command, directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE).start()
        self.address = self.broker.child.stdout.readline().decode().strip().partition("=")[2]
        self.files = certificate(directory / "broker")
        self.nodes = []

    def node(self, name: str, gate: KafkaGate, ready: bool, **kafka) -> Node:
        configuration = {
            "auth": {"hmac_secret": SECRET}, "api": {"keys": [API_KEY]}, "namespaces": [{"subscribe": "authenticated"}],
            "kafka": {"brokers": [f"127.0.0.1:{gate.port}"], "topics": [TOPIC], "start": "earliest"} | kafka}
        path = self.directory / f"{name}.yaml"
        path.write_text(json.dumps(configuration))
        node = Node(self.directory, QUICK_DRAIN | {"MARTLET_CONFIG": str(path)}, name=name)
        self.nodes.append(node)
        return node.start(ready)

    def stop(self):
        for node in self.nodes:
            node.process.stop(10)
        self.broker.stop(5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def brokers(tmp_path_factory):
    brokers = await asyncio.to_thread(Brokers, tmp_path_factory.mktemp("kafka"))
    yield brokers
    await asyncio.to_thread(brokers.stop)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate(brokers):
    gate = await KafkaGate(brokers.address, (USER, PASSWORD), brokers.files).open()
    yield gate
    await gate.shut()


def secured(brokers, **other) -> dict:
    return {
        "security": "sasl_tls", "sasl_mechanism": "PLAIN", "username": USER, "password": PASSWORD,
        "ca_file": str(brokers.files[0])} | other


async def test_who_knows_the_password_reads_and_writes(brokers, gate):
    node = await asyncio.to_thread(brokers.node, "right", gate, True, **secured(brokers))
    assert gate.admitted > 0 and gate.refused == 0
    async with aiohttp.ClientSession() as http:
        client = WebSocketClient(
            http, f"http://127.0.0.1:{node.public}", "ann", "s-1", token(SECRET, "ann", "s-1"), ["news"]).start()
        try:
            await asyncio.wait_for(client.connected.wait(), 60)
            answer = (await asyncio.to_thread(node.api, "revoke", {"session": "s-1"}))["result"]
            assert answer["durable"] is True and answer["topic"] == TOPIC, answer
            await until("its end", lambda: client.final)
            assert client.ends[0][0] == 4500
        finally:
            await client.stop()
    # It came back from the brokers, and so does it to one that starts later.
    later = await asyncio.to_thread(brokers.node, "later", gate, True, **secured(brokers))
    explained = (await asyncio.to_thread(later.api, "explain", {"session": "s-1"}))["result"]["nodes"]
    assert [view["verdict"] for view in explained] == ["refused"], explained


@pytest.mark.parametrize(("name", "other", "why"), [
    ("wrong", {"password": "the wrong one"}, "wrong user or password"),
    ("distrustful", {"ca_file": None}, "certificate verify failed"),
])
async def test_who_is_not_let_in_is_not_ready_and_says_why(brokers, gate, name, other, why):
    keys = {key: value for key, value in secured(brokers, **other).items() if value}
    node = await asyncio.to_thread(brokers.node, name, gate, False, **keys)

    def says() -> str | None:
        try:
            status, readiness = node.readiness()
        except OSError:
            return None
        assert status == 503, readiness
        return next((reason for reason in readiness["degraded"] if why in reason), None)

    await until("the reason told", lambda: asyncio.to_thread(says), 30)
    assert (await asyncio.to_thread(node.readiness))[1]["reasons"] == ["reading the session topics"]
