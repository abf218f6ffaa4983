# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A crowd of clients behind a balancer, in processes of their own, and the book of when each came and went."""

import asyncio
import bisect
import contextlib
import json
import math
import pathlib
import sys

import aiohttp

from clients import until
from cluster import API_KEY, SECRET, Cluster
from members import Book
from publisher import Publisher

# What one process follows with a fraction of a core.
MEMBERS_PER_PROCESS = 2_000
# An answer of a process is a line, the longest that of its book.
ANSWER_BYTES_MAX = 1 << 25


def peak(moments: list[float]) -> int:
    """The most that fell into any second."""
    moments = sorted(moments)
    return max((index - bisect.bisect_right(moments, moment - 1) + 1
                for index, moment in enumerate(moments)), default=0)


class Crowd:
    """Members over both transports, each on one of the channels, and publishers of numbers."""

    def __init__(self, http: aiohttp.ClientSession, channels: list[str]):
        self.http, self.channels = http, channels
        self.processes: list[asyncio.subprocess.Process] = []
        self.size = 0
        self.publishers: list[Publisher] = []

    async def start(self, front: int, processes: int):
        """The processes, without members yet, who will come through the balancer on a port."""
        command = [sys.executable, str(pathlib.Path(__file__).with_name("members.py")), str(front), SECRET]
        for _ in range(processes):
            self.processes.append(await asyncio.create_subprocess_exec(
                *command, *self.channels, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                limit=ANSWER_BYTES_MAX))

    async def stop(self):
        for process in self.processes:
            process.stdin.close()
        for process in self.processes:
            try:
                await asyncio.wait_for(process.wait(), 10)
            except asyncio.TimeoutError:
                process.kill()
                await process.wait()

    async def ask(self, name: str, *arguments, each=None) -> list:
        """What each process answers to a command, with arguments for all, or with those that `each` gives it."""
        async def one(process: asyncio.subprocess.Process, arguments):
            process.stdin.write(json.dumps([name, *arguments]).encode() + b"\n")
            answer = await process.stdout.readline()
            assert answer, f"a process of the crowd has ended at {name}"
            return json.loads(answer)
        each = each or [arguments] * len(self.processes)
        return await asyncio.gather(*(one(*pair) for pair in zip(self.processes, each, strict=True)))

    def shares(self, count: int) -> list[int]:
        ends = [count * index // len(self.processes) for index in range(len(self.processes) + 1)]
        return [end - start for start, end in zip(ends, ends[1:])]

    async def grow(self, count: int, per_second: float = 400):
        """Adds members at a pace and waits until all are subscribed."""
        each, first = [], self.size
        for share in self.shares(count):
            each.append((first, share, per_second / len(self.processes)))
            first += share
        self.size += count
        await self.ask("grow", each=each)
        await self.connected()

    async def shrink(self, count: int):
        """The members who came last to each process go."""
        self.size -= count
        await self.ask("shrink", each=[(share,) for share in self.shares(count)])

    async def missing(self) -> int:
        return sum(await self.ask("missing"))

    async def connected(self, seconds: float = 60):
        async def all_are() -> bool:
            return not await self.missing()
        await until("all are subscribed", all_are, seconds)

    async def book(self) -> Book:
        books = [Book(**book) for book in await self.ask("tell")]
        return Book(*(sum((getattr(book, name) for book in books), []) for name in Book.__dataclass_fields__))

    async def strain(self) -> str:
        """Whether what was measured may have been the clients' doing."""
        spent, busiest, latest = zip(*await self.ask("strain"))
        return (
            f"clients: {len(spent)} processes, {sum(spent):.1f} s of CPU, {max(busiest):.0%} of a core in a process' "
            f"busiest second, timers late by at most {max(latest) * 1000:.0f} ms")

    async def publish(self, nodes, rate: float):
        """Publishes in every channel until cancelled; `rate` is messages a second in all."""
        self.publishers = [
            Publisher(self.http, nodes, API_KEY, channel, rate / len(self.channels)) for channel in self.channels]

        async def run(index: int, publisher: Publisher):
            # Not all in the same instant, which would stop everything on a small machine for what it takes.
            await asyncio.sleep(index / rate)
            await publisher.run(float("inf"))
        await asyncio.gather(*(run(*pair) for pair in enumerate(self.publishers)))

    async def settle(self) -> tuple[int, list[str]]:
        """Waits until the last messages have come: how many faults the books hold against anybody, and the first."""
        last = {publisher.channel: publisher.number for publisher in self.publishers}
        counts, faults = zip(*await self.ask("settle", last))
        return sum(counts), sum(faults, [])


@contextlib.asynccontextmanager
async def gathered(cluster: Cluster, size: int):
    """Starts a cluster and yields a crowd before its balancer, empty yet, for so many members; ends both."""
    await asyncio.to_thread(cluster.start)
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            crowd = Crowd(http, [f"story:{index}" for index in range(20)])
            try:
                await crowd.start(cluster.front_port, math.ceil(size / MEMBERS_PER_PROCESS))
                yield crowd
            finally:
                await crowd.stop()
    finally:
        await asyncio.to_thread(cluster.stop)
