# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Clients of a cluster that keep books: what came, in which order, and how each connection ended."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
import time

import aiohttp


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def token(secret: str, user: str, session: str, seconds: int = 3600, issued: int | None = None, **claims) -> str:
    """An HS256 token (RFC 7519) as any service would issue it."""
    issued = int(time.time()) if issued is None else issued
    body = {"sub": user, "sid": session, "jti": f"{session}-{issued}", "iat": issued, "exp": issued + seconds} | claims
    signed = f"{encode(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{encode(json.dumps(body).encode())}"
    return f"{signed}.{encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


class Client:
    """One user agent: connects, subscribes, notes what it gets, and comes back as its protocol says."""

    def __init__(self, http: aiohttp.ClientSession, front: str, user: str, session: str, credentials: str, channels):
        self.http, self.front, self.user, self.session, self.token = http, front, user, session, credentials
        self.channels = list(channels)
        # Per channel the numbers received, in order.
        self.received: dict[str, list[int]] = {channel: [] for channel in self.channels}
        # (code, reason) of WebSockets, (code, reason) of `disconnect` events, ("end", retry) or ("status", 401).
        self.ends: list[tuple] = []
        self.connected = asyncio.Event()
        self.connects = 0
        self.final = False
        self.stopping = False
        self.retry = 1.0
        self.task: asyncio.Task | None = None

    def start(self):
        self.task = asyncio.create_task(self.run())
        return self

    async def stop(self):
        self.stopping = True
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def run(self):
        while not self.final and not self.stopping:
            try:
                await self.connect()
            except (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError, OSError) as error:
                self.ends.append(("broken", type(error).__name__))
            self.connected.clear()
            if not self.final:
                await asyncio.sleep(self.retry * random.uniform(0.5, 1.5))

    def publication(self, body: dict):
        data = body["data"]
        if "n" in data:
            self.received[body["channel"]].append(data["n"])


class WebSocketClient(Client):
    kind = "websocket"

    async def connect(self):
        async with self.http.ws_connect(f"{self.front}/ws", heartbeat=None, autoping=True) as socket:
            await socket.send_json({"jsonrpc": "2.0", "id": 0, "method": "connect", "params": {"token": self.token}})
            for number, channel in enumerate(self.channels, 1):
                request = {"jsonrpc": "2.0", "id": number, "method": "subscribe", "params": {"channel": channel}}
                await socket.send_json(request)
            waiting = set(range(len(self.channels) + 1))
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                body = json.loads(message.data)
                if body.get("method") == "publication":
                    self.publication(body["params"])
                elif "id" in body:
                    if "error" in body:
                        self.ends.append(("error", body["error"]))
                        await socket.close()
                        return
                    waiting.discard(body["id"])
                    if not waiting and not self.connected.is_set():
                        self.connects += 1
                        self.connected.set()
            code = socket.close_code
            self.ends.append((code, message.extra if message.type is aiohttp.WSMsgType.CLOSE else ""))
            self.final = code is not None and (3500 <= code < 4000 or 4500 <= code < 5000)


class EventStreamClient(Client):
    kind = "event_stream"

    async def connect(self):
        parameters = [("channel", channel) for channel in self.channels] + [("access_token", self.token)]
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=40)
        headers = {"Accept": "text/event-stream"}
        async with self.http.get(f"{self.front}/events", params=parameters, headers=headers, timeout=timeout) as answer:
            if answer.status != 200:
                self.ends.append(("status", answer.status))
                # A browser's EventSource takes every answer but 200 as final.
                self.final = answer.status in (204, 401, 403, 404, 406)
                return
            event, data = "message", []
            async for raw in answer.content:
                line = raw.decode().rstrip("\r\n")
                if not line:
                    if data:
                        self.event(event, json.loads("\n".join(data)))
                    event, data = "message", []
                elif line.startswith(":"):
                    if not self.connected.is_set():
                        self.connects += 1
                        self.connected.set()
                else:
                    field, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    if field == "event":
                        event = value
                    elif field == "data":
                        data.append(value)
                    elif field == "retry":
                        self.retry = min(int(value) / 1000, 3)
            self.ends.append(("end", self.retry))

    def event(self, name: str, body: dict):
        if name == "message":
            self.publication(body)
        elif name == "disconnect":
            self.ends.append((body["code"], body["reason"]))


async def call(node, method: str, **body) -> dict:
    """What a node's API answers; fails where that is an error."""
    answer = await asyncio.to_thread(node.api, method, body)
    assert "error" not in answer, answer
    return answer["result"]


async def until(what: str, check, seconds: float = 30):
    """Waits until `check()` is true; fails with `what` and its last value."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s (last: {value!r})"
        await asyncio.sleep(0.1)
