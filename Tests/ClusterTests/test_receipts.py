# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Receipts are true: what nodes say of a revocation is held against what the clients saw, with nodes that stand still,
and without Kafka, where Redis keeps revocations."""

import asyncio
import json
import signal
import subprocess
import urllib.parse
import urllib.request

import aiohttp
import pytest
import pytest_asyncio

from clients import EventStreamClient, WebSocketClient, call, token, until
from cluster import API_KEY, SECRET, TOPIC, Cluster
from gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")


class World:
    """A cluster with clients on nodes of their choice."""

    def __init__(self, cluster, http):
        self.cluster, self.http, self.clients = cluster, http, []

    def client(self, kind, node, user, session):
        """A client that is not to be closed by any balancer."""
        client = kind(
            self.http, f"http://127.0.0.1:{node.public}", user, session, token(SECRET, user, session), ["chat:0"])
        client.node = node
        self.clients.append(client)
        return client.start()

    async def connected(self):
        await until("all clients connected", lambda: all(c.connected.is_set() for c in self.clients if not c.final))

    async def refuses(self, node, user, session, issued=None) -> bool:
        url = f"http://127.0.0.1:{node.public}/events"
        parameters = {"channel": "chat:0", "access_token": token(SECRET, user, session, issued=issued)}
        async with self.http.get(url, params=parameters, headers={"Accept": "text/event-stream"}) as answer:
            return answer.status == 401

    async def run(self, node, *arguments):
        """The command, against one node: its exit code and what it printed."""
        done = await asyncio.to_thread(
            subprocess.run, [self.cluster.martlet, *arguments, "--server", f"127.0.0.1:{node.internal}"],
            env={"MARTLET_API_KEYS": API_KEY, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr


async def status(node, receipt) -> dict:
    """The receipt as `GET` gives it, by node."""
    def get():
        url = f"http://127.0.0.1:{node.internal}/api/revocations/{urllib.parse.quote(receipt, safe='')}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"X-API-Key": API_KEY}), timeout=10) as answer:
            return json.loads(answer.read())["result"]
    result = await asyncio.to_thread(get)
    result["by_name"] = {node["name"]: node for node in result["nodes"]}
    return result


async def settled(node, receipt) -> dict | None:
    """The receipt once every node has applied it and closed what it ends."""
    result = await status(node, receipt)
    return result if result["applied"] and result["closes_queued"] == result["closes_done"] else None


async def applied_by(node, receipt, name) -> dict | None:
    """The receipt once one node has applied it."""
    result = await status(node, receipt)
    return result if result["by_name"].get(name, {}).get("state") == "applied" else None


async def told_of(node, receipt, name) -> dict | None:
    """The receipt once a node that has just come is among those who answered."""
    result = await status(node, receipt)
    return result if result["by_name"].get(name, {"state": "unknown"})["state"] != "unknown" else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world():
    async for world in run(Cluster(3, prometheus=False)):
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def redis_world():
    nowhere = {"MARTLET_KAFKA_BROKERS": "", "MARTLET_KAFKA_TOPICS": ""}
    async for world in run(Cluster(1, prometheus=False, node_environment=nowhere)):
        yield world


async def run(cluster):
    await asyncio.to_thread(cluster.start)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        world = World(cluster, http)
        try:
            yield world
        finally:
            await asyncio.gather(*[client.stop() for client in world.clients])
            await asyncio.to_thread(cluster.stop)


async def test_the_counts_are_those_of_the_clients(world):
    nodes = world.cluster.nodes
    for index, node in enumerate(nodes):
        for number in range(index + 1):
            world.client(WebSocketClient, node, "ann", f"a-{index}-{number}")
        world.client(EventStreamClient, node, "ann", f"a-{index}-s")
        world.client(WebSocketClient, node, "bob", f"b-{index}")
    await world.connected()
    answer = await call(nodes[1], "revoke", user="ann", reason="fired")
    assert answer["durable"] is True and answer["topic"] == TOPIC, answer
    assert answer["receipt"] == f"kafka:{TOPIC}:{answer['partition']}:{answer['offset']}"
    result = await until("the receipt complete", lambda: settled(nodes[2], answer["receipt"]))
    victims = [client for client in world.clients if client.user == "ann"]
    await until("every victim closed", lambda: all(client.final for client in victims))
    for index, node in enumerate(nodes):
        # The end of an event stream is told before its client comes back and is refused.
        seen = sum(4501 in end for client in victims if client.node is node for end in client.ends)
        told = result["by_name"][node.process.name]
        assert (told["state"], told["closes_done"], seen) == ("applied", index + 2, index + 2), (told, seen)
        assert told["applied_at"] > 0
    assert result["closes_done"] == len(victims) and len(result["nodes"]) == 3
    assert not any(client.ends for client in world.clients if client.user == "bob")
    # By its own id too, for as long as it is remembered; what never was, nobody has seen.
    by_id = await status(nodes[0], answer["id"])
    assert by_id["closes_done"] == len(victims) and by_id["applied"]
    never = await call(nodes[0], "revocations", id="no-such-event")
    assert not never["applied"] and {node["state"] for node in never["nodes"]} == {"unseen"}


async def test_a_node_that_stands_still_is_named_and_applies_it_later(world):
    nodes = world.cluster.nodes
    victims = [world.client(WebSocketClient, node, "cid", "c-1") for node in nodes]
    await world.connected()
    stopped = nodes[2]
    stopped.process.send(signal.SIGSTOP)
    try:
        code, out, err = await world.run(nodes[0], "revoke", "--session", "c-1", "--wait", "--wait-timeout", "6")
        assert code == 69 and "node-3 did not answer" in err, (code, out, err)
        rows = {line.split()[0]: line.split() for line in out.splitlines() if line.startswith("node-")}
        assert [rows[name][1] for name in sorted(rows)] == ["applied", "applied", "unknown"], out
        assert rows["node-1"][3:] == ["1", "of", "1"] == rows["node-2"][3:], out
        await until("the others closed", lambda: victims[0].final and victims[1].final)
        assert not victims[2].final
    finally:
        stopped.process.send(signal.SIGCONT)
    receipt = next(line for line in err.splitlines() if "/api/revocations/" in line).split("/api/revocations/")[1]
    result = await until("applied everywhere", lambda: settled(nodes[0], receipt.strip()))
    assert [node["closes_done"] for node in result["nodes"]] == [1, 1, 1], result
    await until("its client closed", lambda: victims[2].final)
    assert victims[2].ends[0][0] == 4500
    code, out, err = await world.run(nodes[1], "revoke", "--token", "nobody's", "--wait")
    assert (code, err) == (0, ""), (code, out, err)


async def test_explain_tells_why(world):
    nodes = world.cluster.nodes
    client = world.client(WebSocketClient, nodes[0], "dora", "d-1")
    await world.connected()
    other = await call(nodes[0], "revoke", session="d-other")
    await until("another is revoked everywhere", lambda: settled(nodes[0], other["receipt"]))
    answer = await call(nodes[1], "explain", session="d-1")
    views = {node["name"]: node for node in answer["nodes"]}
    assert views["node-1"]["verdict"] == "admitted" and len(views) == 3, answer
    assert views["node-1"]["connections"][0]["user"] == "dora" and not views["node-2"]["connections"]
    # Where others were revoked, nobody knows without a connection whether one of them was its user.
    assert views["node-2"]["verdict"] == views["node-3"]["verdict"] == "depends", answer
    assert "not known here" in views["node-2"]["because"], answer
    revoked = await call(nodes[1], "revoke", user="dora", reason="left the company")
    await until("applied everywhere", lambda: settled(nodes[0], revoked["receipt"]))
    await until("closed", lambda: client.final)
    for view in (await call(nodes[2], "explain", user="dora"))["nodes"]:
        (revocation,) = view["revocations"]
        assert (view["verdict"], revocation["id"], revocation["reason"], revocation["receipt"]) == (
            "depends", revoked["id"], "left the company", revoked["receipt"]), view
    # The session's own name was never revoked, and it has no connection any more: it is not said to be let in.
    for view in (await call(nodes[2], "explain", session="d-1"))["nodes"]:
        assert (view["verdict"], view["revocations"]) == ("depends", []), view
    code, out, err = await world.run(nodes[0], "explain", "session", "c-1")
    assert code == 0 and out.count("refused, because the session is revoked") == 3, (out, err)
    code, out, _ = await world.run(nodes[0], "explain", "user", "bob", "--json")
    assert code == 0 and sum(node["num_connections"] for node in json.loads(out)["nodes"]) == 3, out


async def test_a_node_serves_without_kafka_where_that_is_wished_and_catches_up(world):
    cluster = world.cluster
    revoked = await call(cluster.nodes[0], "revoke", session="g-1")
    await until("applied", lambda: settled(cluster.nodes[1], revoked["receipt"]))
    cluster.broker_command("down 1")
    try:
        late = await asyncio.to_thread(
            cluster.add_node, MARTLET_KAFKA_ON_UNAVAILABLE="serve", MARTLET_KAFKA_START_TIMEOUT="1s")
        assert any(reason.startswith("kafka") for reason in late.readiness()[1]["degraded"]), late.readiness()
        assert late.metrics()["martlet_push_healthy"] == 0
        # It cannot know.
        client = world.client(WebSocketClient, late, "gus", "g-1")
        await until("let in", client.connected.is_set)
        answer = await until("it is known", lambda: told_of(cluster.nodes[0], revoked["receipt"], "node-4"))
        assert not answer["applied"] and answer["by_name"]["node-4"]["state"] == "pending", answer
    finally:
        cluster.broker_command("up 1")
    await until("closed when Kafka came", lambda: client.final, 60)
    assert client.ends[0][0] == 4500
    answer = await until("applied everywhere", lambda: settled(cluster.nodes[0], revoked["receipt"]), 60)
    assert answer["by_name"]["node-4"]["closes_done"] == 1, answer


async def test_events_that_kafka_dropped_raise_the_floor(world):
    cluster = world.cluster
    cluster.broker_command("topic overflow 1")
    # More than the broker keeps of a partition.
    lines = "".join(f"{number}-{'x' * 120}\n" for number in range(60_000))
    await asyncio.to_thread(
        subprocess.run, ["kcat", "-P", "-b", cluster.brokers, "-t", "overflow"], input=lines.encode(), check=True,
        timeout=60)
    node = await asyncio.to_thread(cluster.add_node, MARTLET_KAFKA_TOPICS="overflow")
    metrics = await asyncio.to_thread(node.metrics)
    floor = metrics["martlet_revocation_floor_seconds"]
    assert floor > 0 and metrics['martlet_kafka_truncations_total{topic="overflow"}'] == 1
    # Nobody can say any more whether a token that is as old was revoked; one that is younger was not.
    assert await world.refuses(node, "hal", "h-1", int(floor) - 5)
    assert not await world.refuses(node, "hal", "h-2", int(floor) + 5)
    view = (await call(node, "explain", session="h-1"))["nodes"]
    assert next(each for each in view if each["name"] == node.process.name)["verdict"] == "depends", view


async def test_without_kafka_redis_keeps_revocations(redis_world):
    cluster = redis_world.cluster
    first = cluster.nodes[0]
    gate = await Gate(cluster.redis_port).open()
    second = await asyncio.to_thread(cluster.add_node, MARTLET_REDIS_URLS=f"redis://127.0.0.1:{gate.port}")
    clients = [redis_world.client(WebSocketClient, node, "eve", "e-1") for node in [first, second]]
    late = redis_world.client(WebSocketClient, second, "eve", "e-2")
    await redis_world.connected()
    answer = await call(first, "revoke", session="e-1")
    assert answer["durable"] is True and answer["receipt"] == f"redis:{answer['stream_id']}", answer
    result = await until("applied by both", lambda: settled(second, answer["receipt"]))
    assert [node["closes_done"] for node in result["nodes"]] == [1, 1], result
    await until("both are out", lambda: all(client.final for client in clients))
    assert all(client.ends[0][0] == 4500 for client in clients)

    # One that starts later knows of it before it lets anybody in.
    third = await asyncio.to_thread(cluster.add_node)
    assert await redis_world.refuses(third, "eve", "e-1") and not await redis_world.refuses(third, "eve", "e-3")
    result = await until("it is known", lambda: told_of(first, answer["receipt"], "node-3"))
    assert result["applied"] and result["by_name"]["node-3"]["state"] == "replayed", result

    # One that is cut off is named, and follows when it can.
    await gate.shut()
    await until("the outage noticed", lambda: asyncio.to_thread(lambda: second.readiness()[1]["degraded"]))
    answer = await call(first, "revoke", session="e-2")
    result = await until("applied by another", lambda: applied_by(first, answer["receipt"], "node-3"))
    assert not result["applied"] and result["by_name"]["node-2"]["state"] == "unknown", result
    assert not late.final
    await gate.open()
    await until("closed after the outage", lambda: late.final)
    result = await until("applied everywhere", lambda: settled(first, answer["receipt"]))
    assert result["by_name"]["node-2"]["closes_done"] == 1, result
    assert await redis_world.refuses(second, "eve", "e-2")

    # A Redis that has lost everything is noticed, and what it is given then is read.
    await asyncio.to_thread(
        subprocess.run, ["redis-cli", "-p", str(cluster.redis_port), "FLUSHALL"], check=True, capture_output=True)
    answer = await call(second, "revoke", session="e-4")
    await until("applied everywhere", lambda: settled(third, answer["receipt"]))
    assert await redis_world.refuses(first, "eve", "e-1") and await redis_world.refuses(third, "eve", "e-4")
    for node in cluster.nodes:
        await until("the loss counted", lambda: asyncio.to_thread(
            lambda: node.metrics()["martlet_revocation_stream_losses_total"] == 1))
    # What was lost is written again by those who remember it.
    fourth = await asyncio.to_thread(cluster.add_node)
    for session in ["e-1", "e-2"]:
        await until("refused by one that starts now", lambda: redis_world.refuses(fourth, "eve", session))
    await gate.shut()


async def test_a_node_alone_says_that_it_keeps_nothing(redis_world):
    alone = await asyncio.to_thread(redis_world.cluster.add_node, MARTLET_REDIS_URLS="")
    victim = redis_world.client(WebSocketClient, alone, "fay", "f-1")
    await until("connected", victim.connected.is_set)
    code, out, err = await redis_world.run(alone, "revoke", "--session", "f-1", "--wait")
    assert code == 0 and "memory of running nodes only" in out and "1 of 1" in out, (code, out, err)
    answer = await call(alone, "revoke", session="f-2")
    assert answer["durable"] is False and answer["receipt"] == answer["id"], answer
    await until("closed", lambda: victim.final)
