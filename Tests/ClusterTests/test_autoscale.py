# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A cluster grows from four nodes to five and shrinks to three with its clients, as Prometheus sees them.

By hand: AUTOSCALE_CLIENTS=8000 AUTOSCALE_BUILD=release pytest Tests/ClusterTests/test_autoscale.py -s
"""

import asyncio
import os
import time

import pytest

from autoscaler import Autoscaler
from clients import until
from cluster import Cluster, wait_for
from crowd import Crowd, gathered, peak

CLIENTS = int(os.environ.get("AUTOSCALE_CLIENTS", "400"))
BUILD = os.environ.get("AUTOSCALE_BUILD", "debug")
# So many connections a node should have: at first four nodes hold 94 % of it each, then all clients need five.
TARGET = CLIENTS * 0.225
# So long that a machine that stops for a second does not make a storm of an even drain.
WINDOW = max(8, CLIENTS / 800)
# Connections a second that a node gives away, at most.
RATE = max(10, CLIENTS / 160)
# Longer than clients that were sent elsewhere are away, who are missing in the sum meanwhile.
STABILIZATION = 20
ENVIRONMENT = {
    "MARTLET_DRAIN_DELAY": "2s", "MARTLET_DRAIN_WINDOW": f"{WINDOW:g}s",
    # As the defaults, in a tenth of the time.
    "MARTLET_REBALANCE_SUSTAINED": "3s", "MARTLET_REBALANCE_PERIOD": "1s", "MARTLET_REBALANCE_SETTLING": "3s",
    "MARTLET_REBALANCE_EXCESS_MIN": str(max(2, CLIENTS // 400)), "MARTLET_REBALANCE_RATE": f"{RATE:g}",
}


@pytest.mark.timeout(300 + CLIENTS / 10)
async def test_four_nodes_become_five_and_then_three():
    cluster = Cluster(4, spares=2, node_environment=ENVIRONMENT, build=BUILD)
    # Blind to who is emptiest, so that what evens out is the nodes' own doing.
    cluster.balance = "roundrobin"
    async with gathered(cluster, CLIENTS) as crowd:
        scaler = Autoscaler(cluster, TARGET, least=3, most=6, period=2, stabilization=STABILIZATION)
        tasks = []
        try:
            await live(cluster, crowd, scaler, tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def live(cluster: Cluster, crowd: Crowd, scaler: Autoscaler, tasks: list[asyncio.Task]):
    await asyncio.to_thread(wait_for, "the balancer knows who is there", lambda: cluster.nodes_up() == 4)
    await crowd.grow(int(CLIENTS * 0.85))
    await until("Prometheus sees all", lambda: asyncio.to_thread(
        lambda: cluster.query("sum(martlet_open_connections)") == crowd.size))
    tasks += [
        asyncio.create_task(scaler.run()),
        asyncio.create_task(crowd.publish(Running(cluster), min(20, 80_000 / CLIENTS)))]
    await asyncio.sleep(8)
    assert not scaler.changes, "four nodes were right"

    await crowd.grow(CLIENTS - crowd.size)
    grown = time.monotonic()
    await reach(scaler, tasks[0], 5)
    began = time.monotonic()
    await until("five nodes evened out", lambda: asyncio.to_thread(spread, cluster, 1.1), 90)
    evened = time.monotonic() - began

    await crowd.shrink(int(CLIENTS * 0.45))
    await reach(scaler, tasks[0], 3)
    await asyncio.sleep(8)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await crowd.connected()
    count, faults = await crowd.settle()
    began = (await crowd.book()).began
    sizes = [4] + [after for _, _, after in scaler.changes]
    most = peak([moment for moment in began if moment > grown])
    # Four nodes give away at once, and one may drain meanwhile.
    pace = 4 * RATE + max(held[name] for name, held in scaler.choices) / WINDOW
    print(
        f"\nnodes {sizes}; even within a tenth {evened:.0f} s after the fifth was ready; ended: {scaler.choices}; most "
        f"reconnects in a second: {most}, {pace:.0f} by the paces of rebalance and drain; {await crowd.strain()}")
    assert sizes == [4, 5, 4, 3], "it swung"
    for name, held in scaler.choices:
        # Scraped once a second, while connections move.
        assert held[name] <= min(held.values()) + 0.1 * TARGET, (name, held)
    # Four standard deviations more, for what chance adds.
    assert most <= 1.2 * pace + 4 * pace ** 0.5, "a storm"
    assert not count, f"{count} faults: {faults}"


class Running:
    """The nodes that run at the moment, for those who choose one at a time."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster

    def __len__(self) -> int:
        return len(self.cluster.running())

    def __getitem__(self, index: int):
        nodes = self.cluster.running()
        return nodes[index % len(nodes)]


async def reach(scaler: Autoscaler, task: asyncio.Task, nodes: int):
    """Waits until there are so many nodes; a scaler that failed says so."""
    def reached():
        if task.done():
            task.result()
        return bool(scaler.changes) and scaler.changes[-1][2] == nodes
    await until(f"{nodes} nodes", reached, 120)


def spread(cluster: Cluster, ratio: float) -> bool:
    held = [node.metrics()["martlet_open_connections"] for node in cluster.running()]
    return max(held) <= ratio * sum(held) / len(held)
