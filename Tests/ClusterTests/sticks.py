# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Clients that come back at once and for ever with the tokens they have, and the books on who was let in.

The books rest on one clock, that of the test. A client is admitted at some time between its question and the answer, a
node has applied an event at the latest when somebody saw it: so an admission is held against a node only if it was
*asked for* after the event was *seen* to be applied there, and no delay of the test's own can make a fault.
"""

import asyncio
import dataclasses
import json
import random
import time
import urllib.parse

import aiohttp


@dataclasses.dataclass(frozen=True)
class End:
    """How an attempt or a connection ended: a WebSocket's or an event's code, or the status of an answer."""

    kind: str  # "close", "status", "error" or "broken"
    code: int = 0
    text: str = ""

    @property
    def is_final(self) -> bool:
        """Whether it tells the client not to come back with this token. Error 109 says that it is too old."""
        if self.kind == "status":
            return self.code in (401, 403, 404, 406)
        if self.kind == "error":
            return self.code in (101, 103, 109)
        return self.kind == "close" and (3500 <= self.code < 4000 or 4500 <= self.code < 5000)


@dataclasses.dataclass(eq=False)
class Run:
    """One process of a node, from before it was started to before it was ended."""

    node: str
    began: float
    ended: float | None = None


class Books:
    """What was done to each session, and what its clients saw. Times are seconds of one clock that never goes back."""

    def __init__(self):
        self.runs: list[Run] = []
        self.nonces: dict[str, Run] = {}
        self.revoked_at: dict[str, float] = {}
        self.acknowledged: dict[str, float] = {}
        # When a run was first seen to have applied a session's end.
        self.applied: dict[tuple[Run, str], float] = {}
        # Session, when it was asked for, by which run, at which door.
        self.admissions: list[tuple[str, float, Run | None, str]] = []
        self.refusals: list[tuple[str, float, Run | None, str]] = []
        self.found: list[str] = []

    # What is done

    def began(self, node: str, at: float) -> Run:
        self.runs.append(Run(node, at))
        return self.runs[-1]

    def ended(self, node: str, at: float):
        run = next(run for run in self.runs if run.node == node and run.ended is None)
        run.ended = at

    def run(self, node: str, asked: float, answered: float) -> Run | None:
        """Which process of a node answered; None where it is not certain."""
        for run in self.runs:
            if run.node == node and run.began <= asked and (run.ended is None or answered <= run.ended):
                return run
        return None

    def revoking(self, session: str, at: float):
        """Before anything is sent."""
        self.revoked_at.setdefault(session, at)

    def acknowledge(self, session: str, at: float):
        """The brokers have the event, or a node said so."""
        self.acknowledged.setdefault(session, at)

    # What is seen

    def admitted(self, session: str, asked: float, run: Run | None, door: str = ""):
        self.admissions.append((session, asked, run, door))

    def ended_session(
        self, session: str, asked: float, answered: float, run: Run | None, end: End, was_open: bool, door: str = "",
    ):
        if not end.is_final:
            return
        if answered < self.revoked_at.get(session, float("inf")):
            self.found.append(f"{session}: ended for good before it was revoked: {end}")
            return
        if not was_open:
            self.refusals.append((session, asked, run, door))
        if run:
            self.seen(run, session, answered)

    def seen(self, run: Run, session: str, at: float):
        """The run is known to have applied the session's end by then."""
        key = (run, session)
        self.applied[key] = min(at, self.applied.get(key, at))

    # The balance

    def known(self, run: Run, session: str) -> float | None:
        """From when on the run must refuse the session, as far as it is known."""
        times = [self.applied[run, session]] if (run, session) in self.applied else []
        # A node lets nobody in before it has read what the brokers had when it began.
        if self.acknowledged.get(session, float("inf")) < run.began:
            times.append(run.began)
        return min(times, default=None)

    def held(self, attempts) -> list[tuple[str, Run, str]]:
        """Attempts that were begun when their node was known to have applied their session's end."""
        found = []
        for session, asked, run, door in attempts:
            known = self.known(run, session) if run and session in self.revoked_at else None
            if known is not None and known < asked:
                found.append((session, run, door))
        return found

    def faults(self, clients) -> list[str]:
        """Everything that is wrong, once all is quiet: `clients` have a session and whether they are open."""
        found = list(self.found)
        for session, run, door in self.held(self.admissions):
            found.append(f"{session}: admitted by {run.node} after it had applied the end, {door}")
        for session in self.revoked_at.keys() - self.acknowledged.keys():
            found.append(f"{session}: the event was never acknowledged")
        for client in clients:
            if client.session in self.revoked_at and client.is_open:
                found.append(f"{client.session}: revoked and connected at the end")
            if client.session not in self.revoked_at and not client.is_open:
                found.append(f"{client.session}: valid and not connected at the end (last: {client.last})")
        for session in self.revoked_at:
            for run in self.runs:
                if run.ended is None and (run, session) not in self.applied:
                    found.append(f"{session}: never refused by {run.node}")
        return found


# The doors: each takes a token to one transport, calls `admitted` when the node lets it in, and returns the end.

def refusal(answer: dict) -> End | None:
    """What an answer or a push of the Centrifuge protocol, or an answer of JSON-RPC, says against the client."""
    disconnect = answer.get("push", answer).get("disconnect")
    if disconnect:
        return End("close", disconnect["code"], disconnect["reason"])
    return End("error", answer["error"]["code"], answer["error"]["message"]) if "error" in answer else None


TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=60)


async def websocket(http, base, path, first, admitted, headers=None, protocols=()):
    """A WebSocket that says `first`; the first answer decides."""
    try:
        async with http.ws_connect(base + path, headers=headers, protocols=protocols, max_msg_size=0) as socket:
            if first is not None:
                await socket.send_str(json.dumps(first))
            is_open = False
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                for line in message.data.split("\n"):
                    answer = json.loads(line)
                    if not answer:
                        if is_open and "uni" not in path:
                            await socket.send_str("{}")
                    elif end := refusal(answer):
                        return end
                    elif not is_open:
                        is_open = True
                        admitted((answer.get("result") or answer.get("connect") or {}).get("client"))
            return End("close", socket.close_code or 0, message.extra or "")
    except aiohttp.WSServerHandshakeError as error:
        return End("status", error.status)


async def stream(http, base, method, path, admitted, read, **options):
    """An answer without end; `read` makes of each line an admission, an end or nothing."""
    async with http.request(method, base + path, timeout=TIMEOUT, **options) as answer:
        if answer.status != 200:
            return End("status", answer.status)
        async for raw in answer.content:
            outcome = read(raw.decode().strip())
            if isinstance(outcome, End):
                return outcome
            if outcome is not None:
                admitted(outcome.get("client"))
        return End("broken", 0, "the stream ended")


def connect_reply(line: str):
    """A line of a Centrifuge stream."""
    line = line.removeprefix("data:").strip()
    if not line.startswith("{"):
        return None
    answer = json.loads(line)
    return refusal(answer) or answer.get("connect")


class EventLines:
    """The lines of `/events`: let in with the comment that says so."""

    def __init__(self):
        self.name = ""

    def __call__(self, line: str):
        if line == ":subscribed":
            return {}
        name, _, value = line.partition(":")
        if name == "event":
            self.name = value.strip()
        elif name == "data" and self.name == "disconnect":
            body = json.loads(value)
            return End("close", body["code"], body["reason"])
        return None


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
EVENTS = {"Accept": "text/event-stream"}


def query(path: str, **items) -> str:
    return f"{path}?{urllib.parse.urlencode(items)}"


def bearer(token: str) -> dict:
    return {"Authorization": f"Bearer {token}"}


def cookie(token: str, base: str) -> dict:
    return {"Cookie": f"session={token}", "Origin": base}


def connect(token: str) -> dict:
    return {"id": 1, "connect": {"token": token}}


DOORS = {
    "/ws connect": lambda http, base, token, admitted: websocket(
        http, base, "/ws", {"jsonrpc": "2.0", "id": 1, "method": "connect", "params": {"token": token}}, admitted),
    "/ws bearer": lambda http, base, token, admitted: websocket(
        http, base, "/ws", PING, admitted, bearer(token)),
    "/ws subprotocol": lambda http, base, token, admitted: websocket(
        http, base, "/ws", PING, admitted, protocols=["jsonrpc", f"bearer.{token}"]),
    "/ws cookie": lambda http, base, token, admitted: websocket(
        http, base, "/ws", PING, admitted, cookie(token, base)),
    "/ws query": lambda http, base, token, admitted: websocket(
        http, base, query("/ws", access_token=token), PING, admitted),
    "/connection/websocket": lambda http, base, token, admitted: websocket(
        http, base, "/connection/websocket", connect(token), admitted),
    "/connection/uni_websocket": lambda http, base, token, admitted: websocket(
        http, base, "/connection/uni_websocket", {"token": token}, admitted),
    "/events query": lambda http, base, token, admitted: stream(
        http, base, "GET", query("/events", channel="chat:1", access_token=token), admitted, EventLines(),
        headers=EVENTS),
    "/events bearer": lambda http, base, token, admitted: stream(
        http, base, "GET", "/events?channel=chat:1", admitted, EventLines(), headers=EVENTS | bearer(token)),
    "/events cookie": lambda http, base, token, admitted: stream(
        http, base, "GET", "/events?channel=chat:1", admitted, EventLines(), headers=EVENTS | cookie(token, base)),
    "/connection/sse": lambda http, base, token, admitted: stream(
        http, base, "GET", query("/connection/sse", cf_connect=json.dumps(connect(token))), admitted, connect_reply,
        headers=EVENTS),
    "/connection/http_stream": lambda http, base, token, admitted: stream(
        http, base, "POST", "/connection/http_stream", admitted, connect_reply, data=json.dumps(connect(token))),
    "/connection/uni_sse": lambda http, base, token, admitted: stream(
        http, base, "GET", query("/connection/uni_sse", cf_connect=json.dumps({"token": token})), admitted,
        connect_reply, headers=EVENTS),
    "/connection/uni_http_stream": lambda http, base, token, admitted: stream(
        http, base, "POST", "/connection/uni_http_stream", admitted, connect_reply,
        data=json.dumps({"token": token})),
}
# Those that tell which process let them in, also through a balancer.
TELLING = [name for name in DOORS if name == "/ws connect" or name.startswith("/connection/")]
BROKEN = (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError, OSError, EOFError)


class Client:
    """One user agent that never gives up, whatever it is told."""

    def __init__(self, http, books: Books, front: str, nodes, session: str, tokens: list[str], pause: float):
        self.http, self.books, self.front, self.nodes, self.session = http, books, front, nodes, session
        self.tokens, self.pause = tokens, pause
        self.is_open = False
        self.last: End | None = None
        self.attempts = 0

    async def run(self):
        while True:
            was_open = await self.attempt(random.choice(list(DOORS)))
            # At once after a connection; refusals are paced, so that the test does not starve the nodes.
            if not was_open:
                await asyncio.sleep(self.pause * random.uniform(0.5, 1.5))

    async def attempt(self, door: str, node=None) -> bool:
        """One connection to its end; whether it was let in."""
        if not node and (door not in TELLING or random.random() < 0.5):
            node = random.choice(self.nodes)
        name, base = (node.process.name, f"http://127.0.0.1:{node.public}") if node else (None, self.front)
        self.attempts += 1
        asked, let_in = time.monotonic(), []

        def admitted(client: str | None):
            run = self.books.nonces.get(client.replace("-", "")[:16]) if client else None
            if run is None and name:
                run = self.books.run(name, asked, time.monotonic())
            let_in.append(run)
            self.is_open = True
            self.books.admitted(self.session, asked, run, door)

        try:
            end = await DOORS[door](self.http, base, random.choice(self.tokens), admitted)
        except BROKEN as error:
            end = End("broken", 0, type(error).__name__)
        finally:
            self.is_open = False
        answered = time.monotonic()
        run = let_in[0] if let_in else self.books.run(name, asked, answered) if name else None
        self.last = end
        self.books.ended_session(self.session, asked, answered, run, end, bool(let_in), door)
        return bool(let_in)
