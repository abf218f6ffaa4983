# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Three nodes behind HAProxy, real Redis, a Kafka-protocol broker: the whole main job, and its faults, from outside."""

import asyncio
import collections
import json
import signal
import subprocess
import time

import aiohttp
import pytest
import pytest_asyncio

from authority import Authority
from clients import EventStreamClient, WebSocketClient, token, until
from cluster import SECRET, TOPIC, Cluster

PER_KIND = 600
CHANNELS = 20

pytestmark = pytest.mark.asyncio(loop_scope="module")


class World:
    """The cluster with its clients, and the numbers published so far."""

    def __init__(self, cluster, authority, http):
        self.cluster, self.authority, self.http = cluster, authority, http
        self.front = f"http://127.0.0.1:{cluster.front_port}"
        self.clients = []
        self.published: dict[str, int] = collections.Counter()

    def client(self, kind, user, session, channels, credentials=None):
        client = kind(self.http, self.front, user, session, credentials or token(SECRET, user, session), channels)
        self.clients.append(client)
        return client.start()

    def alive(self):
        return [client for client in self.clients if not client.final]

    async def connected(self, seconds=60):
        await until(
            "all clients connected",
            lambda: all(client.connected.is_set() for client in self.alive()), seconds)

    async def publish(self, node, channel):
        self.published[channel] += 1
        number = self.published[channel]
        answer = await asyncio.to_thread(node.api, "publish", {"channel": channel, "data": {"n": number}})
        assert "error" not in answer, answer

    async def round(self, each=3):
        """Publishes through every node and checks that every subscriber got all of it once and in order."""
        before = dict(self.published)
        for _ in range(each):
            for index in range(CHANNELS):
                node = self.cluster.running()[index % len(self.cluster.running())]
                await self.publish(node, f"chat:{index}")
        expected = {c: list(range(before.get(c, 0) + 1, self.published[c] + 1)) for c in self.published}

        def missing():
            return [
                (client.kind, client.user, channel)
                for client in self.alive() for channel in client.channels
                if len([n for n in client.received[channel] if n > before.get(channel, 0)]) < len(expected[channel])]

        await until("every publication at every subscriber", lambda: not missing(), 30)
        await asyncio.sleep(0.3)
        for client in self.alive():
            for channel in client.channels:
                got = [number for number in client.received[channel] if number > before.get(channel, 0)]
                assert got == expected[channel], (client.kind, client.user, channel, got, expected[channel])

    async def count(self, expected, seconds=20):
        await until(
            f"{expected} open connections counted",
            lambda: asyncio.to_thread(lambda: self.cluster.open_connections() == expected), seconds)

    def produce(self, event):
        """An invalidation by a client that is not ours."""
        subprocess.run(
            ["kcat", "-P", "-b", self.cluster.brokers, "-t", TOPIC, "-k", event["id"]],
            input=json.dumps(event).encode(), check=True, timeout=20)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world():
    authority = Authority()
    cluster = Cluster(
        3,
        node_environment={
            "MARTLET_VALIDATION_KIND": "http", "MARTLET_VALIDATION_URL": authority.url,
            "MARTLET_VALIDATION_INTERVAL": "5s", "MARTLET_VALIDATION_INTERVAL_DEGRADED": "2s",
            "MARTLET_DRAIN_DELAY": "1s", "MARTLET_DRAIN_WINDOW": "4s"})
    await asyncio.to_thread(cluster.start)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        world = World(cluster, authority, http)
        try:
            for index in range(PER_KIND):
                # Two channels each; every tenth user has a WebSocket and an event stream in one session.
                channels = [f"chat:{index % CHANNELS}", f"chat:{(index + 7) % CHANNELS}"]
                world.client(WebSocketClient, f"ws-{index}", f"sw-{index}", channels)
                user, session = (f"ws-{index}", f"sw-{index}") if index % 10 == 0 else (f"es-{index}", f"se-{index}")
                world.client(EventStreamClient, user, session, channels)
                if index % 50 == 49:
                    await asyncio.sleep(0.05)
            await world.connected()
            yield world
        finally:
            await asyncio.gather(*[client.stop() for client in world.clients])
            await asyncio.to_thread(cluster.stop)
            authority.stop()


async def test_every_publication_reaches_every_subscriber_once_and_in_order(world):
    await world.count(2 * PER_KIND)
    shares = [node.metrics()["martlet_open_connections"] for node in world.cluster.nodes]
    assert min(shares) > 0.2 * 2 * PER_KIND, f"the balancer spread them as {shares}"
    await world.round(each=5)


async def test_raw_redis_publish_reaches_subscribers(world):
    client = world.alive()[0]
    channel = client.channels[0]
    world.published[channel] += 1
    number = world.published[channel]
    subprocess.run(
        ["redis-cli", "-p", str(world.cluster.redis_port), "PUBLISH", f"martlet.{channel}", json.dumps({"n": number})],
        check=True, stdout=subprocess.DEVNULL, timeout=10)
    await until("the raw message", lambda: client.received[channel][-1:] == [number])


async def test_an_event_in_kafka_ends_exactly_that_users_sockets(world):
    user = "ws-20"
    victims = [client for client in world.alive() if client.user == user]
    others = [client for client in world.alive() if client.user != user]
    ends = {id(client): len(client.ends) for client in others}
    assert len(victims) == 2
    world.produce({"id": "e-1", "type": "user.revoked", "user": user, "at": time.time()})
    await until("the user's sockets closed", lambda: all(client.final for client in victims))
    socket, stream = sorted(victims, key=lambda client: client.kind, reverse=True)
    assert socket.ends[-1][0] == 4501, socket.ends
    # The event stream was told, and its return was refused for good.
    await until("the event stream's end", lambda: ("status", 401) in stream.ends)
    assert (4501, "user revoked") in stream.ends, stream.ends
    await asyncio.sleep(1)
    assert all(len(client.ends) == ends[id(client)] for client in others), "others were closed too"
    await world.count(len(world.alive()))


async def refused(world, node, credentials) -> int:
    url = f"http://127.0.0.1:{node.public}/events"
    parameters = {"channel": "chat:0", "access_token": credentials}
    async with world.http.get(url, params=parameters, headers={"Accept": "text/event-stream"}) as answer:
        return answer.status


async def test_a_revoked_token_is_refused_on_every_node_also_a_later_one(world):
    victim = next(client for client in world.clients if client.user == "ws-20")
    later = await asyncio.to_thread(world.cluster.add_node)
    for node in world.cluster.nodes:
        assert await refused(world, node, victim.token) == 401, node.process.name
        fresh = token(SECRET, "ws-20", "sw-20-again", issued=int(time.time()) + 5)
        assert await refused(world, node, fresh) == 200, node.process.name
    assert later.process.stop(30) == 0
    world.cluster.nodes.remove(later)


async def test_revoking_over_http_ends_a_session_everywhere(world):
    victims = [client for client in world.alive() if client.session == "sw-40"]
    assert len(victims) == 2
    body = {"session": "sw-40"}
    answer = await asyncio.to_thread(world.cluster.nodes[1].api, "revoke", body)
    assert answer["result"]["durable"] is True and answer["result"]["topic"] == TOPIC, answer
    await until("the session's sockets closed", lambda: all(client.final for client in victims))
    assert any(4500 in end for client in victims for end in client.ends)


async def test_pull_ends_what_the_authority_calls_dead_without_any_event(world):
    victim = next(client for client in world.alive() if client.session == "sw-60")
    world.authority.dead.add("sw-60")
    await until("the dead session closed by pull", lambda: victim.final, 25)
    assert victim.ends[-1][0] == 4503 or ("status", 401) in victim.ends, victim.ends
    missed = sum(node.metrics()["martlet_missed_push_total"] for node in world.cluster.nodes)
    assert missed >= 1
    # Told to every node: the token is refused on all.
    for node in world.cluster.nodes:
        await until("refused everywhere", lambda: check_refused(world, node, victim.token))
    world.authority.dead.clear()


async def check_refused(world, node, credentials):
    return await refused(world, node, credentials) == 401


async def test_a_full_node_tells_an_event_source_to_come_later(world):
    node = await asyncio.to_thread(world.cluster.add_node, MARTLET_LIMITS_CONNECTIONS_MAX="1")
    credentials = token(SECRET, "late", "s-late")
    first = EventStreamClient(
        world.http, f"http://127.0.0.1:{node.public}", "late", "s-late", credentials, ["chat:0"]).start()
    await until("the first stream", first.connected.is_set)
    second = EventStreamClient(
        world.http, f"http://127.0.0.1:{node.public}", "late", "s-late", credentials, ["chat:0"]).start()
    await until("a refusal that is not final", lambda: any(end[0] == "end" for end in second.ends))
    assert not second.connected.is_set()
    async with world.http.get(f"http://127.0.0.1:{node.public}/ws", headers=UPGRADE) as answer:
        assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
    await first.stop()
    await until("the second stream after the first has gone", second.connected.is_set, 15)
    await second.stop()
    node.process.stop(5, signal.SIGKILL)
    world.cluster.nodes.remove(node)


UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


async def test_redis_away_for_ten_seconds_and_back(world):
    redis = world.cluster.redis
    assert redis.stop(5) is not None
    await asyncio.sleep(2)
    node = world.cluster.nodes[0]
    status, body = await asyncio.to_thread(node.readiness)
    assert status == 200 and any("redis" in reason for reason in body["degraded"]), body
    answer = await asyncio.to_thread(node.api, "publish", {"channel": "chat:0", "data": {"x": 1}})
    assert "error" in answer, "a publish succeeded in silence"
    await asyncio.sleep(8)
    redis.start()
    for node in world.cluster.nodes:
        await until("redis noticed", lambda: asyncio.to_thread(lambda: not node.readiness()[1]["degraded"]), 30)
    await world.count(len(world.alive()))
    await world.round()


async def test_a_killed_nodes_clients_come_back_elsewhere(world):
    node = world.cluster.nodes[2]
    node.process.stop(5, signal.SIGKILL)
    await asyncio.sleep(1)
    await world.connected()
    await world.count(len(world.alive()))
    await world.round()
    await asyncio.to_thread(node.start)
    await until("the balancer's check", lambda: asyncio.to_thread(node.is_ready), 10)


async def test_sigterm_under_load_shows_only_drain_codes(world):
    node = world.cluster.nodes[0]
    await asyncio.sleep(1)
    marks = {id(client): len(client.ends) for client in world.alive()}
    publishing = asyncio.create_task(keep_publishing(world, world.cluster.nodes[1], 6))
    code = await asyncio.to_thread(node.process.stop, 30)
    await publishing
    assert code == 0
    ends = collections.Counter()
    for client in world.alive():
        for end in client.ends[marks[id(client)]:]:
            ends[(client.kind, end[0])] += 1
    assert ends, "nobody was drained"
    assert set(ends) <= {("websocket", 1012), ("event_stream", "end")}, ends
    await world.connected()
    await world.count(len(world.alive()))


async def keep_publishing(world, node, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.to_thread(node.api, "publish", {"channel": "chat:0", "data": {"load": 1}})
        await asyncio.sleep(0.01)
