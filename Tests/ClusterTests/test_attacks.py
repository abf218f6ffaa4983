# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A client whose session is ended tries everything to stay or to come back, at the worst moments."""

import asyncio
import contextlib
import http.server
import json
import random
import threading
import time

import aiohttp
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec

from clients import call, token, until
from cluster import API_KEY, NAMESPACES, QUICK_DRAIN, SECRET, Node
from sticks import BROKEN, DOORS, End, websocket

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY = ec.generate_private_key(ec.SECP256R1())


class BackEnd:
    """Takes its time to say who a client is, and what the keys are."""

    def __init__(self):
        back_end = self
        self.thinks = 0.0
        self.asked = 0
        self.sessions = iter(range(1_000_000))

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                session = self.headers["X-Session"]
                back_end.asked += 1
                time.sleep(random.uniform(0, back_end.thinks))
                self.answer({"result": {"user": f"u-{session}", "sid": session}})

            def do_GET(self):
                back_end.asked += 1
                time.sleep(back_end.thinks)
                key = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key()))
                self.answer({"keys": [key | {"kid": "k1", "alg": "ES256", "use": "sig"}]})

            def answer(self, body):
                text = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


@pytest.fixture(scope="module")
def back_end():
    back_end = BackEnd()
    yield back_end
    back_end.server.shutdown()


def environment(directory, **extra) -> dict:
    file = directory / "martlet.yaml"
    file.write_text(NAMESPACES)
    return QUICK_DRAIN | {
        "MARTLET_CONFIG": str(file), "MARTLET_AUTH_HMAC_SECRET": SECRET, "MARTLET_API_KEYS": API_KEY,
        "MARTLET_AUTH_COOKIE": "session"} | extra


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory, back_end):
    directory = tmp_path_factory.mktemp("attacks")
    node = Node(directory, environment(
        directory, MARTLET_PROXY_CONNECT_URL=back_end.url, MARTLET_PROXY_HEADERS="X-Session"))
    await asyncio.to_thread(node.start)
    yield node
    node.process.stop(10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http_client():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as client:
        yield client


def base(node) -> str:
    return f"http://127.0.0.1:{node.public}"


async def revoke(http_client, node, **target):
    """Without a thread of its own, so that it falls between the steps of those who connect."""
    url = f"http://127.0.0.1:{node.internal}/api/revoke"
    async with http_client.post(url, json=target, headers={"X-API-Key": API_KEY}) as answer:
        assert "result" in await answer.json()


def proxied(http_client, node, session, admitted):
    """A client that brings no token: the back-end says which session it is."""
    return websocket(
        http_client, base(node), "/connection/websocket", {"id": 1, "connect": {}}, admitted, {"X-Session": session})


async def ended(attempt) -> End:
    """How an attempt ends; that it ends at all is what is tested."""
    await asyncio.sleep(random.uniform(0, 0.01))
    try:
        return await asyncio.wait_for(attempt, 60)
    except BROKEN as error:
        return End("broken", 0, type(error).__name__)


async def test_no_moment_to_connect_survives_a_revocation(node, http_client, back_end):
    """Every door at once, around the time of the revocation: let in or not, each must be closed for good."""
    back_end.thinks = 0.02
    let_in, rounds = [], 25
    for number in range(rounds):
        session = f"race-{number}"
        credentials = token(SECRET, f"u-{session}", session)
        target = {"session": session} if number % 2 else {"user": f"u-{session}", "before": int(time.time()) + 5}
        somebody = asyncio.Event()

        def admitted(client):
            let_in.append(client)
            somebody.set()

        attempts = [door(http_client, base(node), credentials, admitted) for door in DOORS.values()]
        attempts.append(proxied(http_client, node, session, admitted))

        async def end():
            # Mostly by chance; but however slow the machine is, sometimes before all and sometimes after the first.
            if number % 5 == 1:
                await asyncio.wait_for(somebody.wait(), 20)
            elif number % 5 > 1:
                await asyncio.sleep(random.uniform(0, 0.03))
            await revoke(http_client, node, **target)

        ends, _ = await asyncio.gather(asyncio.gather(*map(ended, attempts)), end())
        assert all(each.is_final for each in ends), (number, [e for e in ends if not e.is_final])
    total = rounds * (len(DOORS) + 1)
    assert 0 < len(let_in) < total, "not one came before, or not one after: that was no race"
    await until("nobody is left", lambda: node.metrics()["martlet_open_connections"] == 0)


async def test_another_token_of_the_session_is_no_way_around(node, http_client):
    for path, connect, refresh in [
        ("/ws", {"jsonrpc": "2.0", "id": 1, "method": "connect"}, {"jsonrpc": "2.0", "id": 2, "method": "refresh"}),
        ("/connection/websocket", "connect", "refresh"),
    ]:
        for round_number in range(20):
            session = f"fresh-{path}-{round_number}"
            now = int(time.time())
            first = token(SECRET, "ann", session, issued=now - 100)
            # Of a later second than the event, as an issuer that does not know of the end would sign it.
            second = token(SECRET, "ann", session, issued=now + 5)

            def command(template, number, credentials):
                if isinstance(template, str):
                    return {"id": number, template: {"token": credentials}}
                return template | {"params": {"token": credentials}}

            async with http_client.ws_connect(base(node) + path) as socket:
                await socket.send_json(command(connect, 1, first))
                assert "error" not in await socket.receive_json()
                revoking = asyncio.create_task(revoke(http_client, node, session=session))
                await asyncio.sleep(random.uniform(0, 0.005))
                # The node may have ended it by now.
                with contextlib.suppress(ConnectionError):
                    await socket.send_json(command(refresh, 2, second))
                while (message := await asyncio.wait_for(socket.receive(), 20)).type is aiohttp.WSMsgType.TEXT:
                    pass
                assert socket.close_code == 4500, socket.close_code
                await revoking


async def test_a_refresh_moves_a_connection_into_the_session_it_names(node, http_client):
    """Who changes the session is closed with the new one, and not with the old one."""
    async with http_client.ws_connect(base(node) + "/ws") as socket:
        async def ask(number, method, session):
            params = {"token": token(SECRET, "bob", session)}
            await socket.send_json({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            return await asyncio.wait_for(socket.receive_json(), 20)

        assert "result" in await ask(1, "connect", "old")
        assert "result" in await ask(2, "refresh", "new")
        await revoke(http_client, node, session="old")
        await socket.send_json({"jsonrpc": "2.0", "id": 3, "method": "ping"})
        assert "result" in await asyncio.wait_for(socket.receive_json(), 20)
        await revoke(http_client, node, session="new")
        await asyncio.wait_for(socket.receive(), 20)
        assert socket.close_code == 4500


async def test_a_stream_that_was_ended_takes_no_more_commands(node, http_client):
    """What `/emulation` was told to do with the session of a stream dies with the stream."""
    session = "emulated"
    connect = {"id": 1, "connect": {"token": token(SECRET, "eve", session)}}
    url = f"{base(node)}/connection/http_stream"
    async with http_client.post(url, data=json.dumps(connect)) as answer:
        reply = json.loads(await answer.content.readline())["connect"]
        await revoke(http_client, node, session=session)
        await until("the stream ends", lambda: drained(answer))
    before = node.metrics()
    command = {"id": 2, "publish": {"channel": "chat:1", "data": {"text": "still here"}}}
    body = {"session": reply["session"], "node": reply["node"], "data": json.dumps(command)}
    async with http_client.post(f"{base(node)}/emulation", json=body) as answer:
        assert answer.status in (204, 404), answer.status
    after = node.metrics()
    assert after["martlet_publications_total"] == before["martlet_publications_total"]


async def drained(answer) -> bool:
    return not await answer.content.readline()


async def test_a_session_that_ends_while_its_key_is_fetched(tmp_path, http_client, back_end):
    """The token's key is not there yet; the event comes while the client waits for it."""
    back_end.thinks = 0.0
    node = Node(tmp_path, environment(tmp_path, MARTLET_AUTH_JWKS_URL=back_end.url))
    await asyncio.to_thread(node.start)
    try:
        await until("the keys of the beginning", lambda: back_end.asked)
        now = int(time.time())
        claims = {"sub": "zoe", "sid": "late", "jti": "t1", "iat": now, "exp": now + 600}
        credentials = jwt.encode(claims, KEY, "ES256", headers={"kid": "k1"})
        await revoke(http_client, node, session="late")
        ends = await asyncio.gather(*(
            ended(door(http_client, base(node), credentials, lambda client: None)) for door in DOORS.values()))
        assert all(end.is_final for end in ends), ends
        answer = await call(node, "connections", user="zoe")
        assert not answer["connections"]
    finally:
        await asyncio.to_thread(node.process.stop, 10)
