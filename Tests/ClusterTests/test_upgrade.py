# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A rolling upgrade of four nodes under load, behind HAProxy and behind nginx.

Behind HAProxy a new node starts before an old one drains, as a Deployment with one pod of surge does it; behind nginx
each is restarted in its place, as on machines of one's own.
By hand: UPGRADE_CLIENTS=8000 UPGRADE_WINDOW=20 UPGRADE_BUILD=release pytest Tests/ClusterTests/test_upgrade.py -s
"""

import asyncio
import os
import re
import signal
import time

import pytest

from cluster import ROOT, Cluster, Process, connectable, wait_for
from crowd import Crowd, gathered, peak

NODES = 4
CLIENTS = int(os.environ.get("UPGRADE_CLIENTS", "400"))
WINDOW = float(os.environ.get("UPGRADE_WINDOW", "4"))
BUILD = os.environ.get("UPGRADE_BUILD", "debug")
# Much longer than the balancer takes to notice.
DELAY = 5
# Messages a second in all: few where clients are many, for each is delivered to a twentieth of them.
RATE = min(40, 80_000 / CLIENTS)


class NginxCluster(Cluster):
    """The same cluster behind nginx, by the file that users get."""

    def start_haproxy(self):
        text = (ROOT / "Deploy" / "nginx" / "nginx.conf").read_text()
        pattern = re.compile(r"^ *server node-1:8000 (.*);\n", re.MULTILINE)
        options = pattern.search(text).group(1)
        servers = "".join(f"        server 127.0.0.1:{node.public} {options};\n" for node in self.nodes)
        text = pattern.sub(servers, text)
        text = re.sub(r"^ *server node-\d:8000.*\n", "", text, flags=re.MULTILINE)
        folders = "".join(
            f"    {name}_temp_path {self.directory}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        for found, instead in {
            "listen 8080 ": f"listen 127.0.0.1:{self.front_port} ",
            "worker_rlimit_nofile 200000": "worker_rlimit_nofile 20000",
            "worker_connections 65536": "worker_connections 19000", "/run/nginx.pid": f"{self.directory}/nginx.pid",
            "http {\n": f"http {{\n{folders}",
        }.items():
            assert found in text, found
            text = text.replace(found, instead)
        path = self.directory / "nginx.conf"
        path.write_text(text)
        # Alone, not as root's daemon: one process, one worker.
        command = ["nginx", "-e", "stderr", "-c", path, "-g", "daemon off; master_process off;"]
        self.haproxy = Process("nginx", command, self.directory).start()
        wait_for("nginx", lambda: connectable(self.front_port))


@pytest.mark.timeout(240 + 16 * WINDOW + CLIENTS / 20)
@pytest.mark.parametrize("kind", [Cluster, NginxCluster])
async def test_an_upgrade_is_a_ripple(kind):
    environment = {"MARTLET_DRAIN_DELAY": f"{DELAY}s", "MARTLET_DRAIN_WINDOW": f"{WINDOW:g}s"}
    spares = NODES if kind is Cluster else 0
    cluster = kind(NODES, prometheus=False, spares=spares, node_environment=environment, build=BUILD)
    async with gathered(cluster, CLIENTS) as crowd:
        await upgrade(cluster, crowd)


async def upgrade(cluster: Cluster, crowd: Crowd):
    old, new = cluster.nodes[:NODES], cluster.nodes[NODES:] or [None] * NODES
    if new[0]:
        await asyncio.to_thread(wait_for, "the balancer knows who is there", lambda: cluster.nodes_up() == NODES)
    await crowd.grow(CLIENTS)
    # Those who publish ask nodes that are there throughout.
    there = list(old)
    publishing = asyncio.create_task(crowd.publish(there, RATE))
    for index, (leaving, coming) in enumerate(zip(old, new, strict=True)):
        there.remove(leaving)
        if coming:
            await asyncio.to_thread(coming.start)
            there.append(coming)
        await roll(crowd, leaving, index)
        if not coming:
            await asyncio.to_thread(leaving.start)
            there.append(leaving)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    count, faults = await crowd.settle()
    print(f"\n{await crowd.strain()}")
    assert not count, f"{count} faults: {faults}"
    book = await crowd.book()
    assert not book.refused_again, "clients were refused for longer than they were told"
    if isinstance(cluster, NginxCluster):
        # Nobody tells it who is ready: what a node refuses it takes to another one, client by client.
        assert not book.refused, f"{len(book.refused)} were sent away although other nodes had room"


async def roll(crowd: Crowd, leaving, index: int):
    """Drains one node, and holds its reconnects against an even pace."""
    held = int((await asyncio.to_thread(leaving.metrics))["martlet_open_connections"])
    began = time.monotonic()
    leaving.process.send(signal.SIGTERM)
    assert await asyncio.to_thread(leaving.process.child.wait, DELAY + WINDOW + 60) == 0, leaving.process.name
    await crowd.connected()
    book = await crowd.book()
    ended = [moment for moment in book.ended if moment >= began]
    back = [moment for moment in book.began if moment >= began]
    pace = held / WINDOW
    print(
        f"\n{index + 1} of {NODES}: {held} connections over {WINDOW:g} s, {pace:.0f}/s; most in a second: "
        f"{peak(ended)} ended ({peak(ended) / pace:.2f}x), {peak(back)} came back "
        f"({peak(back) / pace:.2f}x); {sum(moment >= began for moment in book.refused)} refused")
    # Who came while it drained goes with it, and is told within the same window.
    assert held <= len(ended) <= 2 * held, (held, len(ended))
    bound = 1.2 * pace
    if CLIENTS < 2_000:
        # They are so few that a machine that stands still for a second makes a heap of them: a storm is most at once.
        bound = max(bound + 4 * pace ** 0.5, 0.7 * held)
    assert peak(ended) <= bound and peak(back) <= bound, (pace, peak(ended), peak(back))
