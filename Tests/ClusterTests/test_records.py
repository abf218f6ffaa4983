# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Topics of every format in one node, and bad records of every kind in them: each is counted by its reason and copied
to the dead-letter topic, and nothing else is disturbed."""

import asyncio
import json
import subprocess
import time

import aiohttp
import confluent_kafka
import pytest
import pytest_asyncio

from clients import WebSocketClient, token, until
from cluster import API_KEY, DEBUG, QUICK_DRAIN, SECRET, Node, Process
from provider import Provider, key

pytestmark = pytest.mark.asyncio(loop_scope="module")

HUGE = 10_000_000
TOPICS = ["events", "cloud", "idp", "logouts", "table", "dead", "dead-idp"]


class Edge:
    """One node that reads a topic of each format."""

    def __init__(self, directory):
        self.provider = Provider()
        topics = [part for name in TOPICS for part in ["--topic", f"{name}:1"]]
        command = [DEBUG / "kafka-broker", *topics]
        self.broker = Process("kafka", command, directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE).start()
        self.brokers = self.broker.child.stdout.readline().decode().strip().partition("=")[2]
        keys = {"issuer": self.provider.issuer, "jwks_url": f"{self.provider.issuer}/jwks"}
        configuration = {
            "auth": {"hmac_secret": SECRET}, "api": {"keys": [API_KEY]}, "namespaces": [{"subscribe": "authenticated"}],
            "sessions": {"indexed_claims": ["org"]},
            "kafka": {
                "brokers": self.brokers.split(","), "start": "earliest",
                "topics": [
                    {"name": "events", "dead_letter": "dead"},
                    {"name": "cloud", "format": "cloudevents", "dead_letter": "dead"},
                    {"name": "idp", "format": "set", "audience": "us", "verify": "strict", "dead_letter": "dead-idp"}
                    | keys,
                    {"name": "logouts", "format": "logout-token", "dead_letter": "dead-idp"} | keys,
                    {"name": "table", "format": "session-table", "key_field": "payload.id",
                     "field": "payload.after.state", "values": ["ended"], "dead_letter": "dead"},
                ]},
        }
        path = directory / "node.yaml"
        path.write_text(json.dumps(configuration))
        self.node = Node(directory, QUICK_DRAIN | {"MARTLET_CONFIG": str(path)}).start()
        # What is too long must come, or nothing would be shown by it; and compressed, as the broker of the tests keeps
        # no more than 5 MiB of a partition.
        self.producer = confluent_kafka.Producer({
            "bootstrap.servers": self.brokers, "linger.ms": 0, "message.max.bytes": 20_000_000,
            "compression.type": "lz4"})

    def stop(self):
        self.node.process.stop(10)
        self.broker.stop(5)
        self.provider.stop()

    def write(self, topic: str, value, name=None, headers=None):
        self.producer.produce(topic, value=value, key=name, headers=headers)

    def flush(self):
        assert self.producer.flush(60) == 0

    def bad(self) -> dict[str, int]:
        """What was counted, by reason."""
        start, end = 'martlet_invalidations_bad_total{reason="', '"}'
        return {
            name.removeprefix(start).removesuffix(end): int(value) for name, value in self.node.metrics().items()
            if name.startswith(start) and value}

    def letters(self, topic: str, count: int) -> list[tuple]:
        """What a dead-letter topic holds: value, key, headers."""
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.brokers, "group.id": "tests"})
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])
        found, end = [], time.monotonic() + 60
        while len(found) < count and time.monotonic() < end:
            message = consumer.poll(0.5)
            # A message without a value is false.
            if message is not None and not message.error():
                headers = {name: value.decode() for name, value in message.headers()}
                found.append((message.value(), message.key(), headers))
        consumer.close()
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    edge = await asyncio.to_thread(Edge, tmp_path_factory.mktemp("records"))
    yield edge
    await asyncio.to_thread(edge.stop)


def good(edge, number: int) -> dict[str, tuple]:
    """A record of each format, and whom it ends: name → (topic, value, key, headers)."""
    provider, at = edge.provider, int(time.time())
    cloud = {"specversion": "1.0", "source": "/auth", "id": f"c{number}"}
    return {
        f"session-{number}": (
            "events", json.dumps({"type": "session.revoked", "session": f"session-{number}"}), None, None),
        f"structured-{number}": (
            "cloud", json.dumps(cloud | {"type": "com.example.user.revoked", "data": {"user": f"structured-{number}"}}),
            None, None),
        f"binary-{number}": (
            "cloud", json.dumps({"session": f"binary-{number}", "at": at}), None,
            {f"ce_{name}": value for name, value in (cloud | {"type": "session.revoked"}).items()}
            | {"content-type": "application/json"}),
        f"opaque-{number}": (
            "idp", provider.security_event(sub_id={"format": "opaque", "id": f"opaque-{number}"}, aud="us"), None,
            None),
        f"jwt-{number}": (
            "idp", provider.security_event(
                sub_id={"format": "jwt_id", "iss": "x", "jti": f"jwt-{number}-{edge.issued}"}, aud="us"), None, None),
        f"out-{number}": ("logouts", provider.logout_token(sid=f"out-{number}"), None, None),
        # A key that is not published any more: who may write to this topic is trusted.
        f"rotated-{number}": (
            "logouts", provider.logout_token(sub=f"rotated-{number}", with_key=key("old")), None, None),
        f"tombstone-{number}": ("table", None, json.dumps({"payload": {"id": f"tombstone-{number}"}}), None),
        f"row-{number}": (
            "table", json.dumps({"payload": {"after": {"id": f"row-{number}", "state": "ended"}, "op": "u"}}),
            json.dumps({"payload": {"id": f"row-{number}"}}), None),
    }


def bad(edge) -> list[tuple]:
    """(topic, value, key, headers, reason)."""
    provider = edge.provider
    subject = {"sub_id": {"format": "opaque", "id": "stays"}, "aud": "us"}
    cloud = {"ce_specversion": "1.0", "ce_source": "/auth", "ce_id": "1", "ce_type": "session.revoked"}
    row = json.dumps({"payload": {"id": "stays"}})
    whole = json.dumps({"type": "session.revoked", "session": "stays"})
    return [
        ("events", None, None, None, "null_value"), ("events", "", None, None, "malformed"),
        ("events", whole[:-5], None, None, "malformed"), ("events", b"\xff\xfe", None, None, "malformed"),
        ("events", whole + " " * HUGE, "k", None, "too_long"),
        ("events", json.dumps({"type": "session.revoked", "session": 7}), None, None, "wrong_field_type"),
        ("events", json.dumps({"type": "session.revoked", "session": ""}), None, None, "empty_value"),
        ("events", json.dumps({"type": "session.revoked"}), None, None, "missing_target"),
        ("events", json.dumps({"type": "session.forgotten", "session": "stays"}), None, None, "unknown_type"),
        ("events", json.dumps({"type": "session.revoked", "session": "stays", "version": 2}), None, None,
         "unknown_version"),
        ("events", json.dumps({"type": "user.revoked", "user": "stays", "before": 1_800_000_000_000}), None, None,
         "bad_time"),
        ("cloud", json.dumps({"session": "stays"}), None, None, "missing_attribute"),
        ("cloud", "<xml/>", None, cloud | {"content-type": "text/xml"}, "unsupported_content"),
        ("cloud", whole, None, cloud | {"ce_specversion": "0.3"}, "unknown_version"),
        ("idp", None, None, None, "null_value"), ("idp", "a.b.c", None, None, "malformed"),
        ("idp", provider.security_event(**subject)[:-10], None, None, "bad_signature"),
        ("idp", provider.security_event(**subject, with_key=key("first")), None, None, "bad_signature"),
        ("idp", provider.security_event(**subject, with_key=key("other")), None, None, "unknown_key"),
        ("idp", provider.security_event(**subject | {"aud": "them"}), None, None, "wrong_audience"),
        ("idp", provider.security_event(**subject, iss="https://evil.example"), None, None, "wrong_issuer"),
        ("idp", provider.security_event(**subject, iat=int(time.time()) + 3_600), None, None, "not_yet_valid"),
        ("idp", provider.logout_token(sid="stays"), None, None, "wrong_token_type"),
        ("idp", provider.security_event(sub_id={"format": "email", "email": "x"}, aud="us"), None, None,
         "unsupported_subject"),
        ("logouts", provider.logout_token(sid="stays", nonce="n"), None, None, "unexpected_nonce"),
        ("logouts", provider.logout_token(sid="stays", exp=int(time.time()) - 600), None, None, "expired"),
        ("logouts", provider.logout_token(), None, None, "missing_target"),
        ("table", None, None, None, "null_key"), ("table", None, "stays", None, "malformed"),
        ("table", "{", row, None, "malformed"), ("table", None, "{}", None, "missing_target"),
    ]


async def test_bad_records_are_counted_copied_and_disturb_nothing(edge):
    edge.issued = int(time.time()) - 10
    async with aiohttp.ClientSession() as http:
        front = f"http://127.0.0.1:{edge.node.public}"
        names = [name for number in [1, 2] for name in good(edge, number)] + ["stays"]
        clients = {
            name: WebSocketClient(
                http, front, name, name, token(SECRET, name, name, issued=edge.issued), ["news"]).start()
            for name in names}
        try:
            await asyncio.wait_for(asyncio.gather(*(client.connected.wait() for client in clients.values())), 60)
            await edge_takes(edge, clients, good(edge, 1))
            wrong = bad(edge)
            for topic, value, name, headers, _ in wrong:
                edge.write(topic, value, name, headers)
            await asyncio.to_thread(edge.flush)
            expected = {}
            for *_, reason in wrong:
                expected[reason] = expected.get(reason, 0) + 1
            await until("every bad record counted", lambda: sum(edge.bad().values()) >= len(wrong))
            assert edge.bad() == expected
            # Dated in the future, by a producer whose clock is wrong: taken as of now, and counted.
            late = {"type": "user.revoked", "user": "nobody", "before": int(time.time()) + 3_600}
            edge.write("events", json.dumps(late))
            # About something else: no harm at all.
            edge.write("idp", edge.provider.security_event("https://example.com/other", aud="us"))
            edge.write("cloud", json.dumps({"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.made"}))
            alive = {"payload": {"after": {"state": "alive"}}}
            edge.write("table", json.dumps(alive), json.dumps({"payload": {"id": "x"}}))
            await edge_takes(edge, clients, good(edge, 2))
            assert edge.bad() == expected
            metrics = edge.node.metrics()
            assert metrics["martlet_invalidations_clamped_total"] == 1
            assert metrics['martlet_invalidations_total{outcome="ignored"}'] == 3
            assert metrics["martlet_invalidations_unverified_total"] == 2
            assert clients["stays"].connects == 1 and not clients["stays"].ends
            ready = (200, {"state": "ready", "reasons": [], "degraded": []})
            await until("nothing is wrong", lambda: edge.node.readiness() == ready)
            await letters_are_copies(edge, wrong)
        finally:
            await asyncio.gather(*(client.stop() for client in clients.values()))


async def edge_takes(edge, clients: dict, records: dict):
    """What is in order ends whom it names, each for the reason of its kind, and nobody twice."""
    for topic, value, name, headers in records.values():
        edge.write(topic, value, name, headers)
    await asyncio.to_thread(edge.flush)
    await until("the good records' ends", lambda: all(clients[name].final for name in records))
    for name in records:
        kind = name.partition("-")[0]
        code = {"structured": 4501, "rotated": 4501, "jwt": 4502}.get(kind, 4500)
        assert [end[0] for end in clients[name].ends] == [code], (name, clients[name].ends)


async def letters_are_copies(edge, wrong: list):
    written = 'martlet_dead_letters_total{outcome="written"}'
    await until("every copy", lambda: edge.node.metrics()[written] >= len(wrong))
    assert edge.node.metrics()[written] == len(wrong)
    for dead, topics in {"dead": ["events", "cloud", "table"], "dead-idp": ["idp", "logouts"]}.items():
        mine = [record for record in wrong if record[0] in topics]
        letters = await asyncio.to_thread(edge.letters, dead, len(mine))
        assert len(letters) == len(mine)

        def order(record):
            return (record[0], record[1], record[2] or b"", record[3] or b"")

        written = []
        for topic, value, name, _, reason in mine:
            raw = value.encode() if isinstance(value, str) else value
            written.append((topic, reason, name.encode() if name else None, raw and raw[:262_144]))
        copied = [
            (headers["martlet-topic"], headers["martlet-reason"], name, value) for value, name, headers in letters]
        assert sorted(copied, key=order) == sorted(written, key=order)
        for value, _, headers in letters:
            assert headers["martlet-partition"] == "0" and headers["martlet-node"] == "node"
            assert ("martlet-value-bytes" in headers) == (value is not None and len(value) == 262_144)
        places = {(headers["martlet-topic"], headers["martlet-offset"]) for _, _, headers in letters}
        assert len(places) == len(mine)
