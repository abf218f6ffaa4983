# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A process of its own that measures how long a message takes from the API to a client of the same node.

prober.py INTERNAL PUBLIC TOKEN KEY prints a line a second: the time and the delays of that second in milliseconds.
"""

import asyncio
import json
import sys
import time

import aiohttp

CHANNEL = "chat:probe"
PER_SECOND = 20


async def main(internal: str, public: str, token: str, key: str):
    url = f"http://127.0.0.1:{public}/connection/websocket"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        await socket.send_str(json.dumps({"id": 1, "connect": {"token": token}}))
        await socket.send_str(json.dumps({"id": 2, "subscribe": {"channel": CHANNEL}}))
        delays: list[float] = []
        tasks = [
            asyncio.create_task(publish(http, internal, key)), asyncio.create_task(receive(socket, delays)),
            asyncio.create_task(report(delays))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def publish(http: aiohttp.ClientSession, internal: str, key: str):
    while True:
        body = {"channel": CHANNEL, "data": {"t": time.monotonic()}}
        url = f"http://127.0.0.1:{internal}/api/publish"
        async with http.post(url, json=body, headers={"X-API-Key": key}) as answer:
            await answer.read()
        await asyncio.sleep(1 / PER_SECOND)


async def receive(socket, delays: list[float]):
    async for message in socket:
        for line in message.data.split("\n"):
            body = json.loads(line)
            if not body:
                await socket.send_str("{}")
            elif "pub" in body.get("push", {}):
                delays.append(time.monotonic() - body["push"]["pub"]["data"]["t"])


async def report(delays: list[float]):
    while True:
        await asyncio.sleep(1)
        print(json.dumps([time.monotonic(), [round(delay * 1000, 2) for delay in delays]]), flush=True)
        delays.clear()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
