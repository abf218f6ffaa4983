# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""An identity provider end to end: it logs users out, and the sockets in their browsers close and say why."""

import asyncio
import json
import subprocess
import urllib.parse

import confluent_kafka
import pytest
import pytest_asyncio
from playwright.async_api import expect

from clients import until
from cluster import API_KEY, DEBUG, QUICK_DRAIN, Node, Process, free_port
from provider import AUDIENCE, Provider, key, log_out, push

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEARER = "a-transmitter"


class Edge:
    """Two nodes that share nothing but a broker, and a provider whose tokens they take."""

    def __init__(self, directory):
        self.provider = Provider()
        self.receivers = f"http://127.0.0.1:{(port := free_port())}"
        broker = [DEBUG / "kafka-broker", "--topic", "revocations:2", "--topic", "idp-events:2"]
        self.broker = Process("kafka", broker, directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE).start()
        self.brokers = self.broker.child.stdout.readline().decode().strip().partition("=")[2]
        configuration = {
            "auth": {
                "jwks_url": f"{self.provider.issuer}/jwks", "issuer": self.provider.issuer, "audience": AUDIENCE},
            "api": {"keys": [API_KEY]},
            "namespaces": [{"subscribe": "authenticated"}],
            "kafka": {
                "brokers": self.brokers.split(","), "start": "earliest",
                "topics": ["revocations", {"name": "idp-events", "format": "set", "verify": "strict"}]},
            "receivers": {
                "security_events": {"enabled": True, "tokens": [BEARER]}, "logout": {"enabled": True}},
        }
        self.nodes = []
        for number in [1, 2]:
            # The receivers' own listener is the first node's.
            own = {"listen": f"127.0.0.1:{port}"} if number == 1 else {}
            path = directory / f"node-{number}.yaml"
            path.write_text(json.dumps(configuration | {"receivers": configuration["receivers"] | own}))
            node = Node(directory, QUICK_DRAIN | {"MARTLET_CONFIG": str(path)}, f"node-{number}")
            self.nodes.append(node.start(False))
        for node in self.nodes:
            node.wait_ready()

    def stop(self):
        for node in self.nodes:
            node.process.stop(10)
        self.broker.stop(5)
        self.provider.stop()

    def page(self, node: Node, token: str) -> str:
        query = urllib.parse.urlencode({"edge": f"http://127.0.0.1:{node.public}", "token": token})
        return f"{self.provider.issuer}/app?{query}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory):
    edge = await asyncio.to_thread(Edge, tmp_path_factory.mktemp("provider"))
    yield edge
    await asyncio.to_thread(edge.stop)


async def opened(tabs, edge, node: int, user: str, session: str, token: str | None = None):
    tab = await tabs.open(edge.page(edge.nodes[node], token or edge.provider.access_token(user, session)))
    await expect(tab.locator("#state")).to_have_text("open")
    return tab


async def ended(tab, code: str, why: str):
    await expect(tab.locator("#state")).to_have_text("ended")
    await expect(tab.locator("#code")).to_have_text(code)
    await expect(tab.locator("#why")).to_have_text(why)


async def test_a_logout_at_the_provider_closes_the_sockets_of_the_session(edge, tabs):
    token = edge.provider.access_token("ann", "ann-1")
    # At the node that is told, and at the other.
    gone = [await opened(tabs, edge, node, "ann", "ann-1", token) for node in [0, 1]]
    stay = [await opened(tabs, edge, 1, "ann", "ann-2"), await opened(tabs, edge, 0, "bob", "bob-1")]
    logout = edge.provider.logout_token(sub="ann", sid="ann-1")
    status, headers, body = await asyncio.to_thread(log_out, edge.receivers, logout)
    assert (status, body) == (200, "") and headers["Cache-Control"] == "no-store"
    for tab in gone:
        await ended(tab, "4500", "session revoked")
    # It comes back with the same token, and is told the same.
    again = await tabs.open(edge.page(edge.nodes[1], token))
    await ended(again, "4500", "session revoked")
    # Delivered once more, to the internal listener of the other node, it ends nothing else.
    internal = f"http://127.0.0.1:{edge.nodes[1].internal}"
    assert (await asyncio.to_thread(log_out, internal, logout))[0] == 200
    for tab in stay:
        await expect(tab.locator("#state")).to_have_text("open")
    assert (await asyncio.to_thread(log_out, edge.receivers, edge.provider.logout_token(sub="bob")))[0] == 200
    await ended(stay[1], "4501", "user revoked")
    await expect(stay[0].locator("#state")).to_have_text("open")


async def test_security_events_close_them_too(edge, tabs):
    tabs_by_name = {
        "pushed": await opened(tabs, edge, 1, "cleo", "cleo-1"), "written": await opened(tabs, edge, 0, "dan", "dan-1"),
        "stays": await opened(tabs, edge, 0, "eva", "eva-1")}
    issuer = edge.provider.issuer
    subject = {
        "format": "complex", "session": {"format": "opaque", "id": "cleo-1"},
        "user": {"format": "iss_sub", "iss": issuer, "sub": "cleo"}}
    bearer = {"Authorization": f"Bearer {BEARER}"}
    # The provider signs with a key that no node has seen.
    edge.provider.rotate()
    event = edge.provider.security_event(sub_id=subject)
    assert (await asyncio.to_thread(push, edge.receivers, event))[0] == 401
    status, _, body = await asyncio.to_thread(lambda: push(edge.receivers, event, **bearer))
    assert (status, body) == (202, "")
    await ended(tabs_by_name["pushed"], "4500", "session revoked")
    # The same through a topic, with the user as the subject.
    user = {"format": "iss_sub", "iss": issuer, "sub": "dan"}
    producer = confluent_kafka.Producer({"bootstrap.servers": edge.brokers, "linger.ms": 0})
    producer.produce("idp-events", edge.provider.security_event(sub_id=user))
    assert await asyncio.to_thread(producer.flush, 60) == 0
    await ended(tabs_by_name["written"], "4501", "user revoked")
    # What is about something else is taken, and ends nothing.
    other = edge.provider.security_event(
        "https://schemas.openid.net/secevent/caep/event-type/credential-change", sub_id=user)
    assert (await asyncio.to_thread(lambda: push(edge.receivers, other, **bearer)))[0] == 202
    await expect(tabs_by_name["stays"].locator("#state")).to_have_text("open")


async def test_tokens_of_others_end_nothing(edge, tabs):
    tab = await opened(tabs, edge, 0, "fred", "fred-1")
    provider, stranger = edge.provider, key("first")
    forged = key(provider.keys[0].kid)
    bearer = {"Authorization": f"Bearer {BEARER}"}
    subject = {"format": "opaque", "id": "fred-1"}
    # A key that nobody has published: that is certain only once the node may ask for the keys again.
    unknown = asyncio.create_task(asyncio.to_thread(
        lambda: push(edge.receivers, provider.security_event(sub_id=subject, with_key=stranger), **bearer)))
    refused = [
        (provider.security_event(sub_id=subject, with_key=forged), "authentication_failed"),
        (provider.security_event(sub_id=subject, iss="https://evil.example"), "invalid_issuer"),
        (provider.security_event(sub_id=subject, aud="another-app"), "invalid_audience"),
        (provider.security_event(sub_id={"format": "email", "email": "f@example.com"}), "invalid_request"),
        (provider.access_token("fred", "fred-1"), "invalid_request"), ("not.a.token", "invalid_request"),
    ]
    for token, code in refused:
        status, _, body = await asyncio.to_thread(lambda: push(edge.receivers, token, **bearer))
        assert (status, json.loads(body)["err"]) == (400, code), (body, code)
    for token in [
        provider.logout_token(sid="fred-1", with_key=forged), provider.logout_token(sid="fred-1", nonce="n"),
        provider.logout_token(sid="fred-1", exp=1), provider.security_event(sub_id=subject), "x",
    ]:
        status, headers, body = await asyncio.to_thread(log_out, edge.receivers, token)
        assert status == 400 and headers["Cache-Control"] == "no-store", body
        assert json.loads(body)["error"] == "invalid_request", body
    status, _, body = await unknown
    assert (status, json.loads(body)["err"]) == (400, "invalid_key"), body
    await expect(tab.locator("#state")).to_have_text("open")

    def is_counted() -> bool:
        metrics = edge.nodes[0].metrics()
        return (
            metrics['martlet_event_tokens_total{kind="security_event",outcome="refused"}'] >= len(refused)
            and metrics['martlet_event_tokens_total{kind="logout",outcome="refused"}'] == 5
            and metrics['martlet_invalidations_bad_total{reason="bad_signature"}'] == 2)

    await until("all counted", lambda: asyncio.to_thread(is_counted))
