# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A process of its own that is part of a crowd: members which reconnect as SDKs and browsers do, and their books.

members.py FRONT SECRET CHANNEL… takes commands, a line of JSON each: the name of a method of `Troop` and its arguments.
It prints a line with each answer, and ends with its input.
"""

import asyncio
import dataclasses
import json
import random
import sys
import time

from clients import token, until
from readers import CentrifugeReader, EventReader, complete, faults

# The first delay of a Centrifuge SDK: half a second and up to as much again.
SDK_DELAY = 0.5
# Faults that are told, of those that are counted.
FAULTS_TOLD = 20


@dataclasses.dataclass
class Book:
    """When connections began, ended and were refused, in seconds of the monotonic clock, which all processes share."""

    began: list[float] = dataclasses.field(default_factory=list)
    ended: list[float] = dataclasses.field(default_factory=list)
    refused: list[float] = dataclasses.field(default_factory=list)
    # Clients that were refused again although they had waited as long as they were told.
    refused_again: list[str] = dataclasses.field(default_factory=list)


class Member:
    """What both kinds of members do between two connections."""

    def __init__(self, book: Book, *arguments):
        super().__init__(*arguments)
        self.book, self.refusals, self.name = book, 0, f"{type(self).__name__} on {self.channels}"
        self.connected_at = self.advice = None

    def start(self):
        self.connected_at = self.advice = None
        super().start()

    def connected(self):
        if not self.connected_at:
            self.connected_at = time.monotonic()
            self.book.began.append(self.connected_at)

    def ended(self):
        if self.connected_at:
            self.book.ended.append(time.monotonic())
            self.refusals = 0
        elif self.advice:
            self.book.refused.append(time.monotonic())
            self.refusals += 1
            if self.refusals > 1:
                self.book.refused_again.append(self.name)


class SDKMember(Member, CentrifugeReader):
    def pause(self) -> float:
        return self.advice or SDK_DELAY + random.uniform(0, SDK_DELAY)

    def refused(self, fields: dict[str, str]):
        self.advice = float(fields.get("retry-after", 0))

    def started(self, channel, result):
        self.connected()
        super().started(channel, result)


class EventMember(Member, EventReader):
    """Waits as its last `retry:` says; a stream that ends before it began was a refusal."""

    retry = 1.0

    def pause(self) -> float:
        return self.retry

    def line(self, name: str, value: str):
        if name == "retry":
            self.retry = self.advice = int(value) / 1000
        elif not name:
            self.connected()
        super().line(name, value)


class Troop:
    """The members of this process, and how hard they keep it at work."""

    def __init__(self, front: int, secret: str, channels: list[str]):
        self.front, self.secret, self.channels = front, secret, channels
        self.members: list[Member] = []
        self.book = Book()
        self.busiest = self.latest = 0.0

    async def watch(self):
        """Notes the most of a core in any second, and how late a timer came at most."""
        while True:
            began, spent = time.monotonic(), time.process_time()
            for _ in range(10):
                due = time.monotonic() + 0.1
                await asyncio.sleep(0.1)
                self.latest = max(self.latest, time.monotonic() - due)
            share = (time.process_time() - spent) / (time.monotonic() - began)
            self.busiest = max(self.busiest, share)

    async def grow(self, first: int, count: int, per_second: float):
        """Adds members at a pace, who are numbered from `first` on."""
        kinds = [SDKMember, EventMember]
        for index in range(first, first + count):
            credentials = token(self.secret, f"u{index}", f"s{index}")
            channel = self.channels[index % len(self.channels)]
            # As many of each, in no order: else balancer and drain would take those of a kind one after the other, and
            # their pauses, which differ, would make waves of what is even.
            if index % 2 == 0:
                random.shuffle(kinds)
            self.members.append(kinds[index % 2](self.book, [self.front], [channel], credentials))
            self.members[-1].start()
            await asyncio.sleep(1 / per_second)

    async def shrink(self, count: int):
        """The members who came last go."""
        self.members, gone = self.members[: len(self.members) - count], self.members[len(self.members) - count :]
        for member in gone:
            member.stop()

    async def missing(self) -> int:
        return sum(not member.subscribed for member in self.members)

    async def tell(self) -> dict:
        return dataclasses.asdict(self.book)

    async def strain(self) -> tuple[float, float, float]:
        return time.process_time(), self.busiest, self.latest

    async def settle(self, last: dict[str, int]) -> tuple[int, list[str]]:
        """Waits until the last messages have come, and says what the books hold against anybody."""
        try:
            await until("the last messages", lambda: all(complete(member, last) for member in self.members), 60)
        except AssertionError:
            pass  # The books say what is missing.
        found = [fault for member in self.members for fault in faults(member, last)]
        return len(found), found[:FAULTS_TOLD]


async def main(front: str, secret: str, *channels: str):
    troop = Troop(int(front), secret, list(channels))
    watching = asyncio.create_task(troop.watch())
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        name, *arguments = json.loads(line)
        print(json.dumps(await getattr(troop, name)(*arguments)), flush=True)
    watching.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
