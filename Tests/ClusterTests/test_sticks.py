# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Revocation sticks: sessions are ended while nodes are killed, started and added, while brokers and Redis come and go.

By hand for more: STICKS_CLIENTS=2000 STICKS_SECONDS=60 pytest Tests/ClusterTests/test_sticks.py -s
and STICKS_LOG=redis for a cluster without Kafka, whose revocations a stream in Redis keeps.
"""

import asyncio
import json
import os
import random
import signal
import time

import aiohttp
import confluent_kafka
import pytest

from clients import token, until
from cluster import SECRET, TOPIC, Cluster, connectable, wait_for
from sticks import DOORS, Books, Client, End, Run

CLIENTS = int(os.environ.get("STICKS_CLIENTS", "240"))
SECONDS = float(os.environ.get("STICKS_SECONDS", "14"))
LOG = os.environ.get("STICKS_LOG", "kafka")
REVOKED = CLIENTS // 4
BROKERS = 3


@pytest.mark.timeout(300 + 2 * SECONDS)
async def test_who_is_revoked_stays_out_and_nobody_else_is_closed():
    environment = {"MARTLET_SESSIONS_INDEXED_CLAIMS": "org", "MARTLET_AUTH_COOKIE": "session"}
    if LOG == "redis":
        environment |= {"MARTLET_KAFKA_BROKERS": "", "MARTLET_KAFKA_TOPICS": ""}
    cluster = Cluster(
        3, prometheus=False, node_environment=environment, spares=1, brokers=BROKERS, durable_redis=LOG == "redis")
    await asyncio.to_thread(cluster.start)
    try:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector) as http:
            await Trial(cluster, http).run()
    finally:
        await asyncio.to_thread(cluster.stop)


class Trial:
    def __init__(self, cluster: Cluster, http: aiohttp.ClientSession):
        self.cluster, self.http, self.books = cluster, http, Books()
        self.producer = confluent_kafka.Producer({"bootstrap.servers": cluster.brokers, "linger.ms": 0, "log_level": 2})
        front = f"http://127.0.0.1:{cluster.front_port}"
        self.clients = []
        issued = int(time.time()) - 100
        for index in range(CLIENTS):
            # Every tenth shares the session of the one before it, and so its fate.
            number = index - 1 if index % 10 == 1 else index
            tokens = [
                token(
                    SECRET, f"u{number}", f"s{number}", issued=issued + turn, org=f"o{number}", jti=f"j{number}-{turn}")
                for turn in range(2)]
            # A token that is revoked is one; of the other kinds, any token of the session falls.
            tokens = tokens[:1] if kind(number) == "token" else tokens
            pause = max(0.05, REVOKED / 400)
            self.clients.append(Client(http, self.books, front, cluster.nodes, f"s{number}", tokens, pause))

    async def run(self):
        for node in self.cluster.running():
            await self.know(node, self.books.began(node.process.name, time.monotonic()))
        tasks = [asyncio.create_task(client.run()) for client in self.clients]
        polling = asyncio.create_task(self.poll())
        try:
            await until("all are connected", lambda: all(client.is_open for client in self.clients), 60)
            sessions = sorted({client.session for client in self.clients})
            victims = random.sample(sessions, REVOKED)
            await asyncio.gather(self.trouble(), self.revoke(victims))
            await until("all events are acknowledged", lambda: len(self.books.acknowledged) == len(victims), 60)
            await self.settle(victims)
        finally:
            polling.cancel()
            # Before they are ended, as that closes them.
            found = self.books.faults(self.clients)
            for task in tasks:
                task.cancel()
            await asyncio.gather(polling, *tasks, return_exceptions=True)
        held = self.books.held(self.books.refusals)
        print(
            f"\n{len(victims)} of {len(sessions)} sessions revoked, {len(self.books.runs)} runs of nodes, "
            f"{len(self.books.admissions)} admissions, {len(self.books.refusals)} refusals for good, {len(held)} of "
            f"them asked for when the node was known to have applied the event, {len(found)} faults")
        assert not found, f"{len(found)} faults: {found[:20]}"
        assert len(held) > 4 * len(victims), "too few attempts to show anything"

    # What is done to the sessions

    async def revoke(self, victims: list[str]):
        """All of them, over the time of the trouble."""
        for number, session in enumerate(victims):
            self.books.revoking(session, time.monotonic())
            event = {"id": f"e-{session}", "at": time.time()} | target(session)
            if LOG == "redis" or number % 3 == 0:
                asyncio.create_task(self.revoke_by_api(session, event))
            else:
                self.producer.produce(
                    TOPIC, json.dumps(event | {"type": f"{kind(int(session[1:]))}.revoked"}), key=session,
                    on_delivery=lambda error, _, session=session: error or self.acknowledge(session))
            await asyncio.sleep(SECONDS / len(victims))

    async def revoke_by_api(self, session: str, event: dict):
        """By any node, again until one says that it is kept."""
        while session not in self.books.acknowledged:
            try:
                node = random.choice(self.cluster.running())
                answer = await asyncio.to_thread(node.api, "revoke", {key: event[key] for key in event if key != "at"})
                if answer.get("result", {}).get("durable"):
                    self.acknowledge(session)
            except (OSError, ValueError):
                pass
            await asyncio.sleep(0.1)

    def acknowledge(self, session: str):
        self.books.acknowledge(session, time.monotonic())

    async def poll(self):
        while True:
            self.producer.poll(0)
            await asyncio.sleep(0.01)

    # What is done to the cluster

    async def trouble(self):
        first, second, third, spare = self.cluster.nodes
        step = SECONDS / 14
        await asyncio.sleep(step)
        self.kill(second)
        await asyncio.sleep(step)
        await self.start(second)
        # One broker, and with it the partitions that it leads.
        self.cluster.broker_command("down 1")
        await asyncio.sleep(step)
        # All that keeps events, with a node that starts meanwhile.
        self.kill(first)
        if LOG == "redis":
            await self.end_redis()
        else:
            for broker in range(2, BROKERS + 1):
                self.cluster.broker_command(f"down {broker}")
        starting = asyncio.create_task(self.start(first))
        await asyncio.sleep(2 * step)
        assert not starting.done(), "a node became ready that cannot have read anything"
        if LOG == "redis":
            await self.start_redis()
        for broker in range(1, BROKERS + 1):
            self.cluster.broker_command(f"up {broker}")
        await starting
        await self.end_redis()
        await asyncio.sleep(step)
        await self.start_redis()
        await self.start(spare)
        self.kill(third)
        self.kill(second)
        await asyncio.gather(self.start(third), self.start(second))

    async def end_redis(self):
        await asyncio.to_thread(self.cluster.redis.stop, 10, signal.SIGKILL)

    async def start_redis(self):
        self.cluster.redis.start()
        await asyncio.to_thread(wait_for, "redis", lambda: connectable(self.cluster.redis_port))

    def kill(self, node):
        self.books.ended(node.process.name, time.monotonic())
        node.process.stop(5, signal.SIGKILL)

    async def start(self, node):
        run = self.books.began(node.process.name, time.monotonic())
        node.start(ready=False)
        await asyncio.to_thread(node.wait_ready, 60)
        await self.know(node, run)

    async def know(self, node, run: Run):
        """Which clients' names a run gives out."""
        async with self.http.ws_connect(f"http://127.0.0.1:{node.public}/ws") as socket:
            request = {"token": token(SECRET, "watch", "watch")}
            await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "connect", "params": request})
            client = (await socket.receive_json())["result"]["client"]
        self.books.nonces[client.replace("-", "")[:16]] = run

    # The end

    async def settle(self, victims: list[str]):
        """Until all that must be so is so, or no longer can be: then the books say what is missing."""
        valid = [client for client in self.clients if client.session not in self.books.revoked_at]
        for what, check in [
            ("the valid are connected", lambda: all(client.is_open for client in valid)),
            ("the revoked are not", lambda: not any(c.is_open for c in self.clients if c not in valid)),
        ]:
            try:
                await until(what, check, 40)
            except AssertionError as error:
                self.books.found.append(str(error))
        await asyncio.gather(*(self.refused_everywhere(session) for session in victims))
        await self.ask_nodes(victims)

    async def refused_everywhere(self, session: str):
        """Each node is asked once more by each session that is revoked, by the next door."""
        mine = next(client for client in self.clients if client.session == session)
        other = Client(self.http, self.books, mine.front, mine.nodes, session, mine.tokens, mine.pause)
        names = sorted(DOORS)
        for turn, node in enumerate(self.cluster.nodes):
            door = names[(int(session[1:]) + turn) % len(names)]
            async with ROOM:
                try:
                    await asyncio.wait_for(other.attempt(door, node), 30)
                except asyncio.TimeoutError:
                    self.books.found.append(f"{session}: let in by {node.process.name}, {door}, and not ended")

    async def ask_nodes(self, victims: list[str]):
        """The nodes' own view. One that was killed lately may still be missed: the processes that run must answer."""
        names = {node.process.name for node in self.cluster.nodes}
        for session in victims:
            user = {"user": f"u{session[1:]}"}
            result = {}

            async def is_agreed() -> bool:
                result.update((await asyncio.to_thread(self.cluster.nodes[0].api, "connections", user))["result"])
                return not result["connections"] and {node["name"] for node in result["nodes"]} == names

            try:
                await until("agreed", is_agreed)
            except AssertionError:
                self.books.found.append(f"{session}: the nodes say {result}")


ROOM = asyncio.Semaphore(20)


def kind(number: int) -> str:
    return ["session", "user", "token", "claim"][number // 2 % 4]


def target(session: str) -> dict:
    number = session[1:]
    return {
        "session": {"session": session}, "user": {"user": f"u{number}"}, "token": {"token": f"j{number}-0"},
        "claim": {"claim": {"name": "org", "value": f"o{number}"}},
    }[kind(int(number))]


# The books find each kind of fault.

REVOKED_END = End("close", 4500, "session revoked")


class Seen:
    def __init__(self, session: str, is_open: bool):
        self.session, self.is_open, self.last = session, is_open, None


def balanced() -> tuple[Books, Run, list[Seen]]:
    """A session that is revoked at 10, seen to be closed by node a at 12 and refused at 14; and one that is valid."""
    books = Books()
    run = books.began("a", 0)
    books.admitted("bad", 1, run)
    books.admitted("good", 1, run)
    books.revoking("bad", 10)
    books.acknowledge("bad", 11)
    books.ended_session("bad", 1, 12, run, REVOKED_END, True)
    books.ended_session("bad", 13, 14, run, End("status", 401), False)
    return books, run, [Seen("bad", False), Seen("good", True)]


def test_books_without_a_fault_balance():
    books, run, clients = balanced()
    # Asked before anybody saw it applied, however late it is answered; and by a run of which nothing is known.
    books.admitted("bad", 11.9, run)
    books.admitted("bad", 20, None)
    books.ended_session("good", 1, 15, run, End("close", 1012), True)
    assert books.faults(clients) == []
    assert len(books.held(books.refusals)) == 1


@pytest.mark.parametrize("fault, change", [
    ("admitted by a after", lambda books, run, clients: books.admitted("bad", 12.1, run)),
    ("admitted by b after", lambda books, run, clients: later_run(books)),
    ("ended for good before", lambda books, run, clients: books.ended_session("good", 1, 9, run, REVOKED_END, True)),
    ("ended for good before", lambda books, run, clients: books.ended_session(
        "good", 1, 9, run, End("error", 109), False)),
    ("never acknowledged", lambda books, run, clients: books.acknowledged.clear()),
    ("connected at the end", lambda books, run, clients: clients.append(Seen("bad", True))),
    ("not connected at the end", lambda books, run, clients: clients.append(Seen("good", False))),
    ("never refused by b", lambda books, run, clients: books.began("b", 5)),
])
def test_the_books_find_what_is_wrong(fault, change):
    books, run, clients = balanced()
    change(books, run, clients)
    found = books.faults(clients)
    assert len(found) == 1 and fault in found[0], found


def later_run(books: Books):
    """A node that began when the brokers had the event lets its session in."""
    run = books.began("b", 12)
    books.admitted("bad", 12.5, run)
    books.ended_session("bad", 12.5, 13, run, REVOKED_END, True)


def test_an_attempt_belongs_to_a_run_only_where_that_is_certain():
    books = Books()
    first = books.began("a", 0)
    books.ended("a", 5)
    second = books.began("a", 6)
    assert books.run("a", 1, 2) is first and books.run("a", 7, 8) is second
    assert books.run("a", 4, 5.5) is None and books.run("a", 5.5, 7) is None and books.run("b", 1, 2) is None


@pytest.mark.parametrize("end, is_final", [
    (REVOKED_END, True), (End("close", 3500), True), (End("status", 401), True), (End("error", 109), True),
    (End("close", 1012), False), (End("close", 3005), False), (End("close", 4000), False), (End("status", 503), False),
    (End("broken"), False),
])
def test_what_is_final(end, is_final):
    assert end.is_final is is_final
