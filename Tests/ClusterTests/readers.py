# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Readers on bare sockets, so light that thousands fit in a process, which recover as SDKs and browsers do.

A message of a channel is its number, published once, in rising order. A reader notes every number that comes, and every
gap that it is told of.
"""

import asyncio
import json
import random
import urllib.parse

# Seconds within which a server says something; one that does not is a fault.
ANSWER_SECONDS = 30

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A


class Reader(asyncio.Protocol):
    """One connection after the other to a random one of the ports, over the same channels."""

    def __init__(self, ports: list[int], channels, token: str):
        self.ports, self.channels, self.token = ports, list(channels), token
        # Per channel what came: numbers, and None for a gap that was told.
        self.log: dict[str, list[int | None]] = {channel: [] for channel in self.channels}
        self.subscribed: set[str] = set()
        self.cuts = 0
        self.problems: list[str] = []
        self.stopping = False
        self.transport: asyncio.Transport | None = None
        self.received = bytearray()
        # What takes the next piece of what was received; false where more must come first.
        self.step = self.head
        self.later: asyncio.TimerHandle | None = None
        self.dialing: asyncio.Task | None = None

    def got(self, channel: str, number: int):
        self.log[channel].append(number)

    def gap(self, channel: str):
        self.log[channel].append(None)

    def start(self):
        self.dialing = asyncio.create_task(self.dial())

    async def dial(self):
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: self, "127.0.0.1", random.choice(self.ports))
        except OSError:
            self.over()

    def stop(self):
        self.stopping = True
        self.dialing.cancel()
        if self.later:
            self.later.cancel()
        if self.transport:
            self.transport.abort()

    def cut(self):
        """Breaks the connection without a word, as a train in a tunnel does."""
        self.cuts += 1
        if self.transport:
            self.transport.abort()

    def connection_made(self, transport: asyncio.Transport):
        self.transport, self.received, self.step = transport, bytearray(), self.head
        self.later = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self.give_up)
        transport.write(self.request().encode())

    def give_up(self):
        self.problems.append(f"no answer within {ANSWER_SECONDS} s")
        self.transport.abort()

    def data_received(self, data: bytes):
        self.received += data
        while self.step():
            pass

    def connection_lost(self, error: Exception | None):
        if error and not isinstance(error, OSError):
            self.problems.append(repr(error))
        self.later.cancel()
        self.over()

    def over(self):
        """An attempt has failed, or a connection has ended: the next one comes after a pause."""
        self.transport = None
        self.subscribed.clear()
        if not self.stopping:
            self.ended()
            self.later = asyncio.get_running_loop().call_later(self.pause(), self.start)

    def ended(self):
        """For those who want to know more than messages."""

    def pause(self) -> float:
        return random.uniform(0.05, 0.3)

    def head(self) -> bool:
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *lines = self.received[:end].decode().split("\r\n")
        del self.received[: end + 4]
        self.later.cancel()
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.answered(int(first.split()[1]), fields)
        return True

    def rest(self) -> bool:
        """Of an answer that is not what was asked for."""
        self.received.clear()
        return False


class CentrifugeReader(Reader):
    """The Centrifuge protocol in JSON over a WebSocket, with the recovery of its SDKs."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.positions: dict[str, tuple[int, str]] = {}

    def request(self) -> str:
        return (
            "GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")

    def answered(self, status: int, fields: dict[str, str]):
        if status != 101:
            self.refused(fields)
            self.step = self.rest
            return self.transport.abort()
        self.step = self.frame
        commands = [{"id": 1, "connect": {"token": self.token}}]
        commands += [self.subscribe(channel) for channel in self.channels]
        self.send("\n".join(map(json.dumps, commands)).encode())

    def refused(self, fields: dict[str, str]):
        """For those who do as they are told."""

    def frame(self) -> bool:
        """One frame of RFC 6455: whole messages, not masked, as servers send them."""
        if len(self.received) < 2:
            return False
        kind, length = self.received[:2]
        start = {126: 4, 127: 10}.get(length, 2)
        if start > 2:
            length = int.from_bytes(self.received[2:start])
        if len(self.received) < start + length:
            return False
        payload = bytes(self.received[start : start + length])
        del self.received[: start + length]
        if kind == TEXT:
            for line in payload.split(b"\n"):
                self.take(json.loads(line))
        elif kind == PING:
            self.send(payload, PONG)
        else:
            if kind == CLOSE:
                self.send(payload, CLOSE)
            else:
                self.problems.append(f"a frame that begins with {kind:#x}")
            self.step = self.rest
            self.transport.close()
        return True

    def send(self, payload: bytes, kind: int = TEXT):
        # Masked with zeros, which leave the bytes as they are.
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2)
        self.transport.write(bytes([kind]) + size + bytes(4) + payload)

    def subscribe(self, channel: str) -> dict:
        request = {"channel": channel, "recoverable": True, "positioned": True}
        if channel in self.positions:
            offset, epoch = self.positions[channel]
            request |= {"recover": True, "offset": offset, "epoch": epoch}
        return {"id": self.channels.index(channel) + 2, "subscribe": request}

    def take(self, answer: dict):
        push = answer.get("push", {})
        channel = push.get("channel", "")
        if not answer:
            self.send(b"{}")
        elif "pub" in push:
            self.publication(channel, push["pub"])
        elif "unsubscribe" in push:
            # The place is lost: subscribed anew, it is told whether it could be found again.
            self.subscribed.discard(channel)
            asyncio.get_running_loop().call_later(0.1, self.subscribe_again, self.transport, channel)
        elif "error" in answer:
            if not answer["error"].get("temporary"):
                self.problems.append(f"{answer}")
            self.transport.close()
        elif "subscribe" in answer:
            self.started(self.channels[answer["id"] - 2], answer["subscribe"])

    def subscribe_again(self, transport: asyncio.Transport, channel: str):
        if transport is self.transport:
            self.send(json.dumps(self.subscribe(channel)).encode())

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

    def request(self) -> str:
        query = urllib.parse.urlencode(
            [("channel", channel) for channel in self.channels] + [("access_token", self.token)])
        last = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        # There is one answer, whose end is the connection's.
        return (
            f"GET /events?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n{last}"
            "Connection: close\r\n\r\n")

    def answered(self, status: int, fields: dict[str, str]):
        self.text, self.name, self.data, self.id = bytearray(), "message", [], None
        self.step = self.chunk if fields.get("transfer-encoding") == "chunked" else self.body
        if status != 200:
            self.problems.append(f"status {status}")
            self.step = self.rest
            self.transport.abort()

    def chunk(self) -> bool:
        """One chunk of RFC 9112 section 7.1."""
        end = self.received.find(b"\r\n") + 2
        if end < 2:
            return False
        length = int(self.received[:end], 16)
        if len(self.received) < end + length + 2:
            return False
        self.text += self.received[end : end + length]
        del self.received[: end + length + 2]
        self.lines()
        return True

    def body(self) -> bool:
        self.text += self.received
        self.received.clear()
        self.lines()
        return False

    def lines(self):
        *lines, self.text = self.text.split(b"\n")
        for raw in lines:
            line = raw.decode().removesuffix("\r")
            name, _, value = line.partition(":")
            self.line(name, value.removeprefix(" ")) if line else self.block()

    def line(self, name: str, value: str):
        if not name:
            self.subscribed.update(self.channels)
        elif name == "event":
            self.name = value
        elif name == "data":
            self.data.append(value)
        elif name == "id":
            self.id = value

    def block(self):
        # As the standard says: the id of a block without data counts as well.
        if self.id is not None:
            self.last_id = self.id
        if self.data:
            self.event(self.name, json.loads("\n".join(self.data)))
        self.name, self.data, self.id = "message", [], None

    def event(self, name: str, body: dict):
        if name == "message":
            self.got(body["channel"], body["data"]["n"])
        elif name == "gap":
            self.gap(body["channel"])


def complete(reader: Reader, last: dict[str, int]) -> bool:
    """Whether the last message of each of its channels has come."""
    # One more may have come that its publisher, ended before it heard so, does not know of.
    return all((log[-1:] or [0])[0] in (last[channel], last[channel] + 1) for channel, log in reader.log.items())


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
