# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A crowd of clients behind a balancer, which reconnect as SDKs and browsers do, and the book of when each did."""

import asyncio
import bisect
import contextlib
import random
import time

import aiohttp

from clients import token, until
from cluster import API_KEY, SECRET, Cluster
from fire import CentrifugeReader, EventReader, Publisher, faults

# The first delay of a Centrifuge SDK: half a second and up to as much again.
SDK_DELAY = 0.5


class Book:
    """When connections began, ended and were refused, in seconds of the monotonic clock."""

    def __init__(self):
        self.began: list[float] = []
        self.ended: list[float] = []
        self.refused: list[float] = []
        # Clients that were refused again although they had waited as long as they were told.
        self.refused_again: list[str] = []

    @staticmethod
    def peak(moments: list[float]) -> int:
        """The most that fell into any second."""
        moments = sorted(moments)
        return max((index - bisect.bisect_right(moments, moment - 1) + 1
                    for index, moment in enumerate(moments)), default=0)


class Member:
    """What both kinds of members do between two connections."""

    book: Book

    async def run(self):
        while not self.stopping:
            self.connected_at = self.advice = None
            try:
                await self.connect(self.nodes[0].public)
            except aiohttp.WSServerHandshakeError as error:
                self.advice = float(error.headers.get("Retry-After", 0) or 0)
            except (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError, OSError, EOFError):
                pass
            self.subscribed.clear()
            if self.stopping:
                return
            if self.connected_at:
                self.book.ended.append(time.monotonic())
                self.refusals = 0
            elif self.advice:
                self.book.refused.append(time.monotonic())
                self.refusals += 1
                if self.refusals > 1:
                    self.book.refused_again.append(self.name)
            await asyncio.sleep(self.pause())


class SDKMember(Member, CentrifugeReader):
    def __init__(self, book: Book, *arguments):
        super().__init__(*arguments)
        self.book, self.refusals, self.name = book, 0, f"SDK on {self.channels}"

    def pause(self) -> float:
        return self.advice or SDK_DELAY + random.uniform(0, SDK_DELAY)

    def started(self, channel, result):
        if not self.connected_at:
            self.connected_at = time.monotonic()
            self.book.began.append(self.connected_at)
        super().started(channel, result)


class EventMember(Member, EventReader):
    """Waits as its last `retry:` says; a stream that ends before it began was a refusal."""

    def __init__(self, book: Book, *arguments):
        super().__init__(*arguments)
        self.book, self.refusals, self.retry, self.name = book, 0, 1.0, f"event stream on {self.channels}"

    def pause(self) -> float:
        return self.retry

    def line(self, name: str, value: str):
        if name == "retry":
            self.retry = self.advice = int(value) / 1000
        elif not name and not self.connected_at:
            self.connected_at = time.monotonic()
            self.book.began.append(self.connected_at)


class Crowd:
    """Members over both transports, each on one of the channels, and publishers of numbers."""

    def __init__(self, http: aiohttp.ClientSession, front: int, channels: list[str]):
        self.http, self.front, self.channels = http, [Front(front)], channels
        self.book = Book()
        self.members: list[Member] = []
        self.tasks: dict[Member, asyncio.Task] = {}
        self.publishers: list[Publisher] = []

    async def grow(self, count: int, per_second: float = 400):
        """Adds members at a pace and waits until all are subscribed."""
        for index in range(len(self.members), len(self.members) + count):
            kind = [SDKMember, EventMember][index % 2]
            credentials = token(SECRET, f"u{index}", f"s{index}")
            member = kind(self.book, self.http, self.front, [self.channels[index % len(self.channels)]], credentials)
            self.members.append(member)
            self.tasks[member] = asyncio.create_task(member.run())
            await asyncio.sleep(1 / per_second)
        await self.connected()

    async def shrink(self, count: int):
        """The members who came last go."""
        gone, self.members = self.members[-count:], self.members[:-count]
        await self.end(gone)

    async def end(self, members):
        for member in members:
            member.stopping = True
        tasks = [self.tasks.pop(member) for member in members]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def connected(self, seconds: float = 60):
        await until("all are subscribed", lambda: all(member.subscribed for member in self.members), seconds)

    async def publish(self, nodes, rate: float):
        """Publishes in every channel until cancelled; `rate` is messages a second in all."""
        self.publishers = [
            Publisher(self.http, nodes, API_KEY, channel, rate / len(self.channels)) for channel in self.channels]
        await asyncio.gather(*(publisher.run(float("inf")) for publisher in self.publishers))

    async def settle(self):
        """Waits until the last messages have come, and says what the books hold against anybody."""
        last = {publisher.channel: publisher.number for publisher in self.publishers}
        try:
            await until("the last messages", lambda: all(
                log[-1:] == [last[channel]] for member in self.members for channel, log in member.log.items()), 30)
        except AssertionError:
            pass  # The books say what is missing.
        return [fault for member in self.members for fault in faults(member, last)]


@contextlib.asynccontextmanager
async def gathered(cluster: Cluster):
    """Starts a cluster and yields a crowd, empty yet, before its balancer; ends both."""
    await asyncio.to_thread(cluster.start)
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            crowd = Crowd(http, cluster.front_port, [f"story:{index}" for index in range(20)])
            try:
                yield crowd
            finally:
                await crowd.end(crowd.members)
    finally:
        await asyncio.to_thread(cluster.stop)


class Front:
    """What a member takes for a node: the balancer."""

    def __init__(self, port: int):
        self.public = port
