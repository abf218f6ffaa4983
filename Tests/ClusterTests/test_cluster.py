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

    def client(self, kind, user, session, channels, node=None):
        """A client that comes through the balancer, or straight to one node."""
        address = f"http://127.0.0.1:{node.public}" if node else self.front
        client = kind(self.http, address, user, session, token(SECRET, user, session), channels)
        self.clients.append(client)
        return client.start()

    def alive(self):
        return [client for client in self.clients if not client.final]

    async def connected(self, seconds=60):
        await until(
            "all clients connected",
            lambda: all(client.connected.is_set() for client in self.alive()), seconds)

    def marks(self):
        """How often each client has been ended by now; for `ends`."""
        return {id(client): len(client.ends) for client in self.clients}

    def ends(self, marks):
        """The clients that were ended since, with how."""
        return [(client, end) for client in self.clients for end in client.ends[marks.get(id(client), 0):]]

    async def publish(self, node, channel):
        self.published[channel] += 1
        number = self.published[channel]
        answer = await asyncio.to_thread(node.api, "publish", {"channel": channel, "data": {"n": number}})
        assert "error" not in answer, answer

    async def round(self, each=3):
        """Publishes through every node and checks that every subscriber got all of it once and in order."""
        before = dict(self.published)
        nodes = self.cluster.running()
        for turn in range(each):
            for index in range(CHANNELS):
                await self.publish(nodes[(turn + index) % len(nodes)], f"chat:{index}")
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
        await until(
            f"{expected} open connections seen by Prometheus",
            lambda: asyncio.to_thread(lambda: self.cluster.query("sum(martlet_open_connections)") == expected), seconds)

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
            # A node that was killed comes back empty, and nobody else is to be sent to it meanwhile.
            "MARTLET_REBALANCE_ENABLED": "false",
            # Much longer than the balancer takes to notice.
            "MARTLET_DRAIN_DELAY": "5s", "MARTLET_DRAIN_WINDOW": "4s"})
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


async def test_the_metrics_are_as_prometheus_wants_them(world):
    for node in world.cluster.nodes:
        text = (await asyncio.to_thread(node.get, "/metrics"))[1]
        check = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=20)
        assert (check.returncode, check.stdout, check.stderr) == (0, "", ""), node.process.name
    # A scrape that took too long is tried again a second later.
    await until("every node is scraped", lambda: asyncio.to_thread(
        lambda: world.cluster.query("sum(up)") == len(world.cluster.nodes)))


async def test_an_event_in_kafka_ends_exactly_that_users_sockets(world):
    user, channels = "ws-20", ["chat:0"]
    # On every node, over both transports, in sessions of their own.
    for index, node in enumerate(world.cluster.nodes):
        for kind in [WebSocketClient, EventStreamClient]:
            world.client(kind, user, f"{kind.kind}-{index}", channels, node)
    await world.connected()
    marks = world.marks()
    victims = [client for client in world.alive() if client.user == user]
    assert len(victims) == 2 + 2 * len(world.cluster.nodes)
    world.produce({"id": "e-1", "type": "user.revoked", "user": user, "at": time.time()})
    await until("the user's sockets closed", lambda: all(client.final for client in victims))
    for client in victims:
        assert client.ends[0] == (4501, "user revoked"), (client.kind, client.ends)
        # The event streams came back, as browsers do, and were refused for good.
        assert client.kind == "websocket" or client.ends[-1] == ("status", 401), client.ends
    await asyncio.sleep(1)
    assert all(client.user == user for client, _ in world.ends(marks)), "others were closed too"
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
        async with world.http.ws_connect(f"http://127.0.0.1:{node.public}/ws") as socket:
            await socket.send_json(
                {"jsonrpc": "2.0", "id": 1, "method": "connect", "params": {"token": victim.token}})
            async for _ in socket:
                pass
            assert socket.close_code == 4501, node.process.name
        fresh = token(SECRET, "ws-20", "sw-20-again", issued=int(time.time()) + 5)
        assert await refused(world, node, fresh) == 200, node.process.name
    assert await asyncio.to_thread(later.process.stop, 60) == 0
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
    victims = [client for client in world.alive() if client.session == "sw-60"]
    victim, marks = victims[0], world.marks()
    world.authority.dead.add("sw-60")
    await until("the dead session closed by pull", lambda: all(client.final for client in victims), 60)
    for client in victims:
        assert client.ends[marks[id(client)]][0] == 4503, client.ends
    assert all(client in victims for client, _ in world.ends(marks)), "others were closed too"
    # After the grace for events that are under way.
    missed = lambda: sum(node.metrics()["martlet_missed_push_total"] for node in world.cluster.nodes)
    await until("missed push told", lambda: asyncio.to_thread(missed), 60)
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
    await until("the second stream after the first has gone", second.connected.is_set, 30)
    await second.stop()
    node.process.stop(5, signal.SIGKILL)
    world.cluster.nodes.remove(node)


UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


async def test_redis_away_for_ten_seconds_and_back(world):
    redis, marks, stopped = world.cluster.redis, world.marks(), time.monotonic()
    assert redis.stop(5) is not None
    for node in world.cluster.nodes:
        await until("the outage noticed", lambda: asyncio.to_thread(lambda: node.readiness()[1]["degraded"]))
    node = world.cluster.nodes[0]
    status, body = await asyncio.to_thread(node.readiness)
    assert status == 200 and any("redis" in reason for reason in body["degraded"]), body
    answer = await asyncio.to_thread(node.api, "publish", {"channel": "chat:0", "data": {"x": 1}})
    assert "error" in answer, "a publish succeeded in silence"
    await asyncio.sleep(10 - (time.monotonic() - stopped))
    redis.start()
    for node in world.cluster.nodes:
        await until("redis noticed", lambda: asyncio.to_thread(lambda: not node.readiness()[1]["degraded"]), 60)
    await world.count(len(world.alive()))
    await world.round()
    assert not world.ends(marks), "clients were closed because of Redis"


async def test_a_killed_nodes_clients_come_back_elsewhere(world):
    node, marks = world.cluster.nodes[2], world.marks()
    here = node.metrics()["martlet_open_connections"]
    node.process.stop(5, signal.SIGKILL)
    await until("its clients have noticed", lambda: len({id(client) for client, _ in world.ends(marks)}) == here)
    await world.connected()
    await world.count(len(world.alive()))
    await world.round()
    assert len({id(client) for client, _ in world.ends(marks)}) == here, "clients of other nodes were closed"
    await asyncio.to_thread(node.start)


async def test_sigterm_under_load_shows_only_drain_codes(world):
    await until(
        "every node in the balancer", lambda: asyncio.to_thread(lambda: world.cluster.nodes_up() == 3))
    node, other, marks = world.cluster.nodes[0], world.cluster.nodes[1], world.marks()
    here = node.metrics()["martlet_open_connections"]
    before = dict(world.published)
    drained = asyncio.Event()
    publishing = asyncio.create_task(keep_publishing(world, other, drained))
    code = await asyncio.to_thread(node.process.stop, 60)
    drained.set()
    await publishing
    assert code == 0
    ends = collections.Counter((client.kind, end[0]) for client, end in world.ends(marks))
    assert set(ends) == {("websocket", 1012), ("event_stream", "end")}, ends
    # Each of its clients once, and nobody else's.
    moved = {id(client) for client, _ in world.ends(marks)}
    assert sum(ends.values()) == len(moved) == here, ends
    await world.connected()
    await world.count(len(world.alive()))
    # Who stayed missed nothing of what was published meanwhile; nobody got anything twice or out of order.
    published = sum(world.published.values()) - sum(before.values())
    assert published > 3 * CHANNELS, f"{published} publications are no load"
    await world.round(1)
    for client in world.alive():
        for channel in client.channels:
            got = [number for number in client.received[channel] if number > before[channel]]
            expected = list(range(before[channel] + 1, world.published[channel] + 1))
            if id(client) in moved:
                assert got == sorted(set(got)), (client.kind, client.user, channel)
            else:
                assert got == expected, (client.kind, client.user, channel)


async def keep_publishing(world, node, ended):
    """Numbered messages in all channels."""
    while not ended.is_set():
        await asyncio.gather(*[world.publish(node, f"chat:{index}") for index in range(CHANNELS)])
