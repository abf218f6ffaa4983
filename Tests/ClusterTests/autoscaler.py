# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""What a HorizontalPodAutoscaler does with a cluster of the tests, by the figures that a real Prometheus has scraped."""

import asyncio
import math
import signal
import time

from cluster import Cluster, Node

# As kube-controller-manager has it (--horizontal-pod-autoscaler-tolerance).
TOLERANCE = 0.1


class Autoscaler:
    """Wants `ceil(nodes * average / target)` nodes, and goes down only to the most it wanted within `stabilization`
    seconds, one node at a time: the one whose deletion costs least.
    """

    def __init__(self, cluster: Cluster, target: float, least: int, most: int, period: float, stabilization: float):
        self.cluster, self.target, self.least, self.most = cluster, target, least, most
        self.period, self.stabilization = period, stabilization
        self.wanted: list[tuple[float, int]] = []
        # (moment, nodes before, nodes after), and per node that was ended what each node held at that time.
        self.changes: list[tuple[float, int, int]] = []
        self.choices: list[tuple[str, dict[str, int]]] = []

    async def run(self):
        while True:
            await asyncio.sleep(self.period)
            nodes = self.cluster.running()
            total = await asyncio.to_thread(self.cluster.query, "sum(martlet_open_connections)")
            if total is None:
                continue
            wanted = self.recommend(total, len(nodes))
            if wanted > len(nodes):
                await self.up(nodes)
            elif wanted < len(nodes):
                await self.down(nodes)

    def recommend(self, total: float, nodes: int) -> int:
        ratio = total / nodes / self.target
        wanted = nodes if abs(ratio - 1) <= TOLERANCE else math.ceil(nodes * ratio)
        wanted = min(max(wanted, self.least), self.most)
        now = time.monotonic()
        self.wanted = [(moment, count) for moment, count in self.wanted if moment > now - self.stabilization]
        self.wanted.append((now, wanted))
        return max(count for _, count in self.wanted) if wanted < nodes else wanted

    async def up(self, nodes: list[Node]):
        coming = next(node for node in self.cluster.nodes if node not in nodes)
        await asyncio.to_thread(coming.start)
        self.note(len(nodes), len(nodes) + 1)

    async def down(self, nodes: list[Node]):
        held, costs = {}, {}
        for node in nodes:
            at = f'{{instance="127.0.0.1:{node.internal}"}}'
            costs[node] = await asyncio.to_thread(self.cluster.query, f"martlet_deletion_cost{at}")
            held[node] = int(await asyncio.to_thread(self.cluster.query, f"martlet_open_connections{at}") or 0)
        if None in costs.values():
            return  # One was not scraped this time; the next round will tell.
        leaving = min(nodes, key=lambda node: costs[node])
        self.choices.append((leaving.process.name, {node.process.name: count for node, count in held.items()}))
        leaving.process.send(signal.SIGTERM)
        assert await asyncio.to_thread(leaving.process.child.wait, 90) == 0, leaving.process.name
        self.note(len(nodes), len(nodes) - 1)

    def note(self, before: int, after: int):
        self.changes.append((time.monotonic(), before, after))
