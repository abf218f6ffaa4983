# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Readers that are cut at random and recover, and the books that say whether each got every message.

A message of a channel is its number, published once, in rising order: the publisher repeats a number under its
idempotency key until it is confirmed. A reader notes every number that comes, and every gap that it is told of.
"""

import asyncio
import json
import random
import time
import urllib.parse

import aiohttp


class Reader:
    """One connection after the other to a random node, over the same channels."""

    def __init__(self, http: aiohttp.ClientSession, nodes, channels, token: str):
        self.http, self.nodes, self.channels, self.token = http, nodes, list(channels), token
        # Per channel what came: numbers, and None for a gap that was told.
        self.log: dict[str, list[int | None]] = {channel: [] for channel in self.channels}
        self.subscribed: set[str] = set()
        self.cuts = self.connects = 0
        self.problems: list[str] = []
        self.stopping = False

    def got(self, channel: str, number: int):
        self.log[channel].append(number)

    def gap(self, channel: str):
        self.log[channel].append(None)

    async def run(self):
        while not self.stopping:
            try:
                await self.connect(random.choice(self.nodes).public)
            except (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError, OSError, EOFError):
                pass
            self.subscribed.clear()
            await asyncio.sleep(random.uniform(0.05, 0.3))

    def cut(self):
        """Breaks the connection without a word, as a train in a tunnel does."""
        self.cuts += 1
        transport = self.transport()
        if transport:
            transport.abort()


class CentrifugeReader(Reader):
    """The Centrifuge protocol in JSON over a WebSocket, with the recovery of its SDKs."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.positions: dict[str, tuple[int, str]] = {}
        self.socket = None

    def transport(self):
        return self.socket._response.connection.transport if self.socket and self.socket._response.connection else None

    async def connect(self, port: int):
        async with self.http.ws_connect(f"http://127.0.0.1:{port}/connection/websocket", max_msg_size=0) as socket:
            self.socket = socket
            commands = [{"id": 1, "connect": {"token": self.token}}]
            commands += [self.subscribe(number, channel) for number, channel in enumerate(self.channels, 2)]
            await socket.send_str("\n".join(map(json.dumps, commands)))
            self.connects += 1
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                for line in message.data.split("\n"):
                    answer = json.loads(line)
                    if not answer:
                        await socket.send_str("{}")
                    else:
                        await self.take(socket, answer)

    def subscribe(self, number: int, channel: str) -> dict:
        request = {"channel": channel, "recoverable": True, "positioned": True}
        if channel in self.positions:
            offset, epoch = self.positions[channel]
            request |= {"recover": True, "offset": offset, "epoch": epoch}
        return {"id": number, "subscribe": request}

    async def take(self, socket, answer: dict):
        push = answer.get("push", {})
        channel = push.get("channel", "")
        if "pub" in push:
            self.publication(channel, push["pub"])
        elif "unsubscribe" in push:
            # The place is lost: subscribed anew, it is told whether it could be found again.
            self.subscribed.discard(channel)
            await asyncio.sleep(0.1)
            await socket.send_str(json.dumps(self.subscribe(self.channels.index(channel) + 2, channel)))
        elif "error" in answer:
            if not answer["error"].get("temporary"):
                self.problems.append(f"{answer}")
            await socket.close()
        elif "subscribe" in answer:
            self.started(self.channels[answer["id"] - 2], answer["subscribe"])

    def started(self, channel: str, result: dict):
        if channel in self.positions and not result.get("recovered"):
            self.gap(channel)
        epoch = result.get("epoch", "")
        self.positions[channel] = (result.get("offset", 0), epoch)
        for publication in result.get("publications", []):
            self.publication(channel, publication)
        self.subscribed.add(channel)

    def publication(self, channel: str, publication: dict):
        self.got(channel, publication["data"]["n"])
        offset, epoch = self.positions[channel]
        if publication["offset"] != offset + 1:
            self.problems.append(f"{channel}: offset {publication['offset']} after {offset}")
        self.positions[channel] = (publication["offset"], epoch)


class EventReader(Reader):
    """A bare event stream, which sends back the last id that it was given."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.last_id = ""
        self.answer = None

    def transport(self):
        return self.answer.connection.transport if self.answer and self.answer.connection else None

    async def connect(self, port: int):
        query = urllib.parse.urlencode(
            [("channel", channel) for channel in self.channels] + [("access_token", self.token)])
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self.last_id} if self.last_id else {})
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=40)
        url = f"http://127.0.0.1:{port}/events?{query}"
        async with self.http.get(url, headers=headers, timeout=timeout) as answer:
            if answer.status != 200:
                self.problems.append(f"status {answer.status}")
                return
            self.answer = answer
            self.connects += 1
            event, data, identifier = "message", [], None
            async for raw in answer.content:
                line = raw.decode().rstrip("\r\n")
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if line:
                    self.line(name, value)
                if not line:
                    # As the standard says: the id of a block without data counts as well.
                    if identifier is not None:
                        self.last_id = identifier
                    if data:
                        self.event(event, json.loads("\n".join(data)))
                    event, data, identifier = "message", [], None
                elif line.startswith(":"):
                    self.subscribed.update(self.channels)
                elif name == "event":
                    event = value
                elif name == "data":
                    data.append(value)
                elif name == "id":
                    identifier = value

    def line(self, name: str, value: str):
        """Each line as it comes, for those who want to know more than messages."""

    def event(self, name: str, body: dict):
        if name == "message":
            self.got(body["channel"], body["data"]["n"])
        elif name == "gap":
            self.gap(body["channel"])


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


def faults(reader: Reader, last: dict[str, int]) -> list[str]:
    """What the books hold against a reader: everything that it missed, got twice or got late without being told."""
    found = list(reader.problems)
    for channel, log in reader.log.items():
        expected = 1
        told = False
        for number in log:
            if number is None:
                told = True
            elif number < expected:
                found.append(f"{channel}: {number} again or late, {expected} was next")
            else:
                if number > expected and not told:
                    found.append(f"{channel}: {expected} to {number - 1} missing")
                expected, told = number + 1, False
        if expected <= last[channel] and not told:
            found.append(f"{channel}: {expected} to {last[channel]} never came")
    return found
