# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A publisher of numbers, which the books of readers are held against.

Each is published once: the publisher repeats it under its idempotency key until it is confirmed.
"""

import asyncio
import random
import time

import aiohttp


class Publisher:
    """Publishes the numbers of one channel, one after the other."""

    def __init__(self, http: aiohttp.ClientSession, nodes, key: str, channel: str, rate: float):
        self.http, self.nodes, self.key, self.channel, self.rate = http, nodes, key, channel, rate
        self.number = 0
        self.repeats = 0

    async def run(self, seconds: float):
        started = time.monotonic()
        sent = 0
        while (now := time.monotonic()) - started < seconds:
            due = started + sent / self.rate
            if due > now:
                await asyncio.sleep(due - now)
            await self.publish(self.number + 1)
            self.number += 1
            sent += 1

    async def publish(self, number: int):
        body = {
            "channel": self.channel, "data": {"n": number},
            "idempotency_key": f"{self.channel}-{number}"}
        while True:
            try:
                url = f"http://127.0.0.1:{random.choice(self.nodes).internal}/api/publish"
                timeout = aiohttp.ClientTimeout(total=10)
                async with self.http.post(url, json=body, headers={"X-API-Key": self.key}, timeout=timeout) as answer:
                    if "result" in await answer.json():
                        return
            except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
                pass
            self.repeats += 1
            await asyncio.sleep(0.1)
