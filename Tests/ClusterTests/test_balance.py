# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Nodes that know each other, from outside: a new one comes to its share, one is drained without ending, others are
killed or stopped, and each node says truly who is there."""

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import termios

import pytest
import pytest_asyncio

from clients import call, until
from cluster import API_KEY, DEBUG, Cluster

STREAMS = int(os.environ.get("BALANCE_STREAMS", "800"))
NODES = 5
# Minutes in seconds: what is decided from is never younger than the two seconds between announcements.
QUICK = {
    "MARTLET_AUTH_ANONYMOUS": "true",
    "MARTLET_EVENTS_RETRY": "400ms",
    "MARTLET_DRAIN_DELAY": "1s",
    # Longer than several starts of the command, which tells once a second what is left.
    "MARTLET_DRAIN_WINDOW": "8s",
    "MARTLET_REBALANCE_PERIOD": "1s",
    "MARTLET_REBALANCE_SUSTAINED": "1s",
    "MARTLET_REBALANCE_SETTLING": "3s",
    "MARTLET_REBALANCE_EXCESS_MIN": "5",
    "MARTLET_REBALANCE_TOLERANCE": "0.07",
    "MARTLET_REBALANCE_RATE": "1000",
}

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Streams:
    """Event streams that come back through the balancer when they are told to, as a browser's do."""

    def __init__(self, port: int):
        self.port, self.open, self.early = port, 0, 0
        self.tasks: list[asyncio.Task] = []

    def add(self, count: int):
        self.tasks += [asyncio.create_task(self.hold()) for _ in range(count)]

    async def hold(self):
        while True:
            wait = 0.5
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(b"GET /events?channel=news:1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                received, is_open = b"", False
                try:
                    while piece := await reader.read(4096):
                        received = received[-4096:] + piece
                        if not is_open and b":subscribed" in received:
                            is_open = True
                            self.open += 1
                finally:
                    self.open -= is_open
                    writer.close()
                told = re.findall(rb"retry: (\d+)", received)
                if told:
                    wait = int(told[-1]) / 1000
                elif is_open:
                    # Its node is gone without a word.
                    self.early += 1
            except OSError:
                pass
            await asyncio.sleep(wait)

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world():
    cluster = Cluster(NODES - 1, spares=1, prometheus=False, node_environment=QUICK)
    cluster.balance = "roundrobin"
    await asyncio.to_thread(cluster.start)
    streams = Streams(cluster.front_port)
    try:
        await until("the balancer's nodes", lambda: asyncio.to_thread(lambda: cluster.nodes_up() == NODES - 1))
        streams.add(STREAMS)
        await until("all streams", lambda: streams.open == STREAMS, 60)
        yield cluster, streams
    finally:
        await streams.stop()
        await asyncio.to_thread(cluster.stop)


async def counts(cluster) -> list[int]:
    def read():
        return [int(node.metrics()["martlet_open_connections"]) for node in cluster.running()]

    return await asyncio.to_thread(read)


async def is_even(cluster, nodes: int) -> bool:
    found = await counts(cluster)
    return len(found) == nodes and max(found) <= STREAMS / nodes * 1.1 and min(found) > 0


async def nodes(node) -> dict:
    status, body = await asyncio.to_thread(node.get, "/api/nodes")
    assert status == 401, "without a key"
    request = f"/api/nodes?api_key={API_KEY}"
    status, body = await asyncio.to_thread(node.get, request)
    assert status == 200, body
    return json.loads(body)["result"]


async def names(node) -> dict[str, str]:
    """The state of each node, by its name, as one of them tells."""
    return {member["name"]: member["state"] for member in (await nodes(node))["nodes"]}


async def martlet(node, *arguments: str) -> subprocess.CompletedProcess:
    def run():
        return subprocess.run(
            [DEBUG / "martlet", *arguments, "--server", f"127.0.0.1:{node.internal}"],
            env=os.environ | {"MARTLET_API_KEYS": API_KEY}, capture_output=True, text=True, timeout=60)

    return await asyncio.to_thread(run)


async def test_a_new_node_comes_to_its_share(world):
    cluster, streams = world
    await until("an even beginning", lambda: is_even(cluster, NODES - 1))
    newcomer = cluster.nodes[-1]
    await asyncio.to_thread(newcomer.start)

    await until("max ÷ mean of 1.1", lambda: is_even(cluster, NODES), 60)

    def read() -> list[dict]:
        return [node.metrics() for node in cluster.running()]

    # What is above the tolerance still goes; then nobody has anything to give, and nothing swings back.
    even = 'martlet_rebalance_decisions_total{outcome="even"}'
    shed = "martlet_rebalance_shed_total"
    for _ in range(20):
        before = await asyncio.to_thread(read)

        async def decided() -> bool:
            now = await asyncio.to_thread(read)
            return all(new[even] >= old[even] + 2 or new[shed] > old[shed] for old, new in zip(before, now))

        await until("two periods without a need", decided, 30)
        after = await asyncio.to_thread(read)
        if all(new[shed] == old[shed] for old, new in zip(before, after)):
            break
    else:
        pytest.fail("connections are still sent to and fro")
    assert after[-1][shed] == 0, "the node that came last gave away what it had got"
    assert all(old[shed] > 0 for old in after[:-1])
    closed = 'martlet_connections_closed_total{reason="rebalance"}'
    # Some may have gone by themselves, or a shard had fewer than its part.
    assert all(0 < sample[closed] <= sample[shed] for sample in after[:-1]) and after[-1][closed] == 0
    assert streams.early == 0
    await until("all streams", lambda: streams.open == STREAMS, 30)
    # Those that were sent away are counted until their sockets are closed.
    await until("max ÷ mean of 1.1", lambda: is_even(cluster, NODES))


async def test_every_node_tells_of_all(world):
    cluster, _ = world

    async def agreed() -> bool:
        told = [await nodes(node) for node in cluster.running()]
        return all(
            len(one["nodes"]) == NODES and one["connections"] == STREAMS and one["lost"] == 0 for one in told)

    await until("all nodes to tell of all", agreed)
    first = await nodes(cluster.nodes[0])
    assert first["bus"] == "redis" and first["degraded"] == []
    assert [member["name"] for member in first["nodes"]] == [f"node-{number + 1}" for number in range(NODES)]
    own = next(member for member in first["nodes"] if member["id"] == first["node"])
    assert own["address"] == f"127.0.0.1:{cluster.nodes[0].public}" and own["state"] == "ready"
    status = await martlet(cluster.nodes[0], "status")
    assert status.returncode == 0, status.stderr
    lines = status.stdout.splitlines()
    assert lines[0].split() == [
        "ID", "NAME", "ADDRESS", "STATE", "CONNECTIONS", "CAPACITY", "UTILIZATION", "VERSION", "UPTIME"]
    assert [line.split()[1] for line in lines[1 : NODES + 1]] == [f"node-{number + 1}" for number in range(NODES)]
    assert f"{STREAMS} connections on {NODES} nodes" in status.stdout
    told = json.loads((await martlet(cluster.nodes[0], "status", "--json")).stdout)
    assert {member["name"] for member in told["nodes"]} == {f"node-{number + 1}" for number in range(NODES)}


async def test_a_node_is_drained_without_ending_and_takes_it_back(world):
    cluster, streams = world
    asked, drained = cluster.nodes[0], cluster.nodes[1]
    before = (await counts(cluster))[1]
    begun = await martlet(asked, "drain", "node-2", "--json")
    assert begun.returncode == 0, begun.stderr
    assert json.loads(begun.stdout)["name"] == "node-2"
    waited = await martlet(asked, "drain", "node-2", "--wait", "--timeout", "50")
    assert waited.returncode == 0, waited.stderr + waited.stdout
    lines = waited.stdout.splitlines()
    # Once a second while it goes on, each time fewer are left.
    left = [int(re.search(r"(\d+)(?: of \d+)? connections", line)[1]) for line in lines]
    assert left == sorted(left, reverse=True) and left[-1] == 0 and len(left) > 2, waited.stdout
    assert lines[-1].endswith(f"has drained: 0 of {before} connections left."), waited.stdout
    assert (await asyncio.to_thread(drained.readiness))[0] == 503
    await until("its state at the others", lambda: is_state(asked, "node-2", "draining"))
    await until("all streams elsewhere", lambda: streams.open == STREAMS)
    assert streams.early == 0
    undone = await martlet(drained, "drain", "--undo")
    assert undone.returncode == 0, undone.stderr
    await until("its state at the others", lambda: is_state(asked, "node-2", "ready"))
    unknown = await martlet(asked, "drain", "node-9")
    assert unknown.returncode == 65 and "GET /api/nodes" in unknown.stderr, unknown.stderr


async def test_who_waits_for_a_drain_does_not_defeat_who_takes_it_back(world):
    cluster, _ = world
    asked, drained = cluster.nodes[0], cluster.nodes[4]
    waiting = asyncio.create_task(martlet(asked, "drain", "node-5", "--wait", "--timeout", "50"))
    await until("the drain", lambda: is_state(drained, "node-5", "draining"))
    assert (await call(drained, "drain", undo=True))["phase"] == "none"
    waited = await waiting
    assert waited.returncode == 1 and "node-5 was taken back" in waited.stderr, waited.stdout + waited.stderr
    # Nobody has begun it anew, nor does who looks.
    assert (await call(drained, "drain", look=True))["phase"] == "none"
    looked = await asyncio.to_thread(asked.api, "drain", {"node": "node-5", "look": True})
    assert looked["result"]["name"] == "node-5" and looked["result"]["phase"] == "none"
    assert (await asyncio.to_thread(drained.readiness))[0] == 200


async def test_the_status_is_a_live_table_in_a_terminal(world):
    cluster, _ = world
    terminal, end = pty.openpty()
    before = termios.tcgetattr(end)

    def own_terminal():
        fcntl.ioctl(end, termios.TIOCSCTTY, 0)
        # What a shell runs in the background, as these tests may be, ignores it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    child = subprocess.Popen(
        [DEBUG / "martlet", "status", "--interval", "0.5", "--server", f"127.0.0.1:{cluster.nodes[0].internal}"],
        env=os.environ | {"MARTLET_API_KEYS": API_KEY}, stdin=end, stdout=end, stderr=end, start_new_session=True,
        preexec_fn=own_terminal)
    shown = b""
    os.set_blocking(terminal, False)

    def tables() -> list[str]:
        """Those that are complete: each begins at the first line and ends by what erases the rest."""
        nonlocal shown
        try:
            while piece := os.read(terminal, 65_536):
                shown += piece
        except OSError:
            pass  # Nothing more at the moment, or the child has ended.
        return shown.decode(errors="replace").split("\x1b[J")[:-1]

    try:
        # Drawn over and over, with what is new: seconds of uptime pass.
        await until("three tables that differ", lambda: len(set(tables())) >= 3)
        for table in tables():
            assert table.startswith("\x1b[H\x1b[2KID "), table
            assert all(f"node-{number + 1} " in table for number in range(NODES)), table
        os.write(terminal, b"\x03")
        await until("its end by Ctrl-C", lambda: child.poll() is not None)
        assert child.returncode in (0, -signal.SIGINT)
        tables()
        # The cursor is below the table, in the terminal as it was: no mode, colour or second screen is left behind.
        assert shown.rpartition(b"\x1b[J")[2].strip() in (b"", b"^C"), shown[-200:]
        assert set(re.findall(rb"\x1b\[[^A-Za-z]*[A-Za-z]", shown)) == {b"\x1b[H", b"\x1b[2K", b"\x1b[J"}
        assert termios.tcgetattr(end) == before
    finally:
        child.kill()
        child.wait()
        os.close(terminal)
        os.close(end)


async def is_state(node, name: str, state: str) -> bool:
    return (await names(node)).get(name) == state


async def test_nodes_that_fall_silent_are_missed_and_do_no_harm(world):
    cluster, streams = world
    asked, killed, stopped = cluster.nodes[0], cluster.nodes[2], cluster.nodes[3]
    stopped.process.send(signal.SIGSTOP)
    killed.process.stop(5, signal.SIGKILL)

    async def both_gone() -> bool:
        told = await nodes(asked)
        return {member["name"] for member in told["nodes"]} == {"node-1", "node-2", "node-5"} and told["lost"] == 2

    await until("both gone", both_gone, 30)
    # Those that are left go on, and say who is silent.
    assert (await call(asked, "publish", channel="news:1", data=1)) is not None
    assert "2 fell silent" in (await martlet(asked, "status", "--once")).stdout
    stopped.process.send(signal.SIGCONT)

    async def back() -> bool:
        told = await nodes(asked)
        return "node-4" in {member["name"] for member in told["nodes"]} and told["lost"] == 1

    await until("the stopped node is back", back)
    # What it knew is old: it begins to look anew, and sends nobody away for what it sees at first.
    assert set((await names(stopped))) == {"node-1", "node-2", "node-4", "node-5"} or await until(
        "it knows the others again", lambda: is_state(stopped, "node-1", "ready"))
    await until("all streams", lambda: streams.open == STREAMS, 30)
