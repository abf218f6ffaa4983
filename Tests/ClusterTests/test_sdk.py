# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The unmodified SDK centrifuge-python, in JSON and in Protobuf: tokens of channels, presence, history, calls and
recovery, over two nodes and a back-end that answers their proxies."""

import asyncio
import base64
import contextlib
import json

import aiohttp.web
import pytest
import pytest_asyncio
from centrifuge import (
    Client, ClientEventHandler, ClientState, DeltaType, ReplyError, StreamPosition, SubscriptionEventHandler)

from clients import call, token, until
from cluster import SECRET, Cluster, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Events(ClientEventHandler):
    def __init__(self):
        self.connects, self.connecting, self.disconnected, self.errors = 0, [], [], []
        self.server = []

    async def on_connecting(self, context):
        self.connecting.append(context.code)

    async def on_connected(self, context):
        self.connects += 1
        self.client, self.data = context.client, context.data

    async def on_disconnected(self, context):
        self.disconnected.append(context.code)

    async def on_error(self, context):
        self.errors.append((context.code, str(context.error)))

    async def on_subscribed(self, context):
        self.server.append(("subscribed", context.channel))

    async def on_publication(self, context):
        self.server.append(("publication", context.channel, decode(context.pub.data)))

    async def on_unsubscribed(self, context):
        self.server.append(("unsubscribed", context.channel))


class Received(SubscriptionEventHandler):
    def __init__(self):
        self.data, self.publications, self.starts, self.ends, self.others = [], [], [], [], []

    async def on_subscribed(self, context):
        self.starts.append(context)

    async def on_unsubscribed(self, context):
        self.ends.append(context.code)

    async def on_publication(self, context):
        self.publications.append(context.pub)
        self.data.append(decode(context.pub.data))

    async def on_join(self, context):
        self.others.append(("join", context.info.user))

    async def on_leave(self, context):
        self.others.append(("leave", context.info.user))


def decode(data):
    # In Protobuf a payload is bytes.
    return json.loads(data) if isinstance(data, bytes) else data


class Backend:
    """What answers the proxies: notes what it is asked."""

    def __init__(self):
        self.asked, self.port = [], free_port()

    async def start(self):
        application = aiohttp.web.Application()
        for name in ["rpc", "publish", "subscribe"]:
            application.router.add_post(f"/{name}", getattr(self, name))
        self.runner = aiohttp.web.AppRunner(application)
        await self.runner.setup()
        await aiohttp.web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        return self

    async def note(self, request):
        body = await request.json()
        self.asked.append((request.path, body))
        return body

    async def rpc(self, request):
        body = await self.note(request)
        if body.get("method") == "fail":
            return aiohttp.web.json_response({"error": {"code": 1001, "message": "no such thing"}})
        return aiohttp.web.json_response({"result": {"data": {"echo": body.get("data"), "user": body["user"]}}})

    async def publish(self, request):
        body = await self.note(request)
        if "rude" in json.dumps(body["data"]):
            return aiohttp.web.json_response({"error": {"code": 1002, "message": "mind your language"}})
        return aiohttp.web.json_response({"result": {"data": {"checked": body["data"]}}})

    async def subscribe(self, request):
        body = await self.note(request)
        if body["channel"].endswith("closed"):
            return aiohttp.web.json_response({"error": {"code": 103, "message": "permission denied"}})
        return aiohttp.web.json_response({"result": {"info": {"role": "guest"}, "data": {"welcome": body["user"]}}})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend():
    backend = await Backend().start()
    yield backend
    await backend.runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(backend):
    address = f"http://127.0.0.1:{backend.port}"
    cluster = Cluster(
        2, prometheus=False,
        node_environment={
            "MARTLET_PROXY_RPC_URL": f"{address}/rpc", "MARTLET_PROXY_PUBLISH_URL": f"{address}/publish",
            "MARTLET_PROXY_SUBSCRIBE_URL": f"{address}/subscribe", "MARTLET_LIMITS_EXPIRY_GRACE": "5s",
            "MARTLET_DRAIN_DELAY": "0s", "MARTLET_DRAIN_WINDOW": "1s"})
    with open(cluster.directory / "martlet.yaml", "a") as file:
        file.write("  - {name: asked, subscribe: proxy, publish: proxy}\n")
        file.write("  - {name: ticks, subscribe: authenticated, history_size: 50, delta: fossil}\n")
        file.write(
            "  - {name: files, subscribe: authenticated, publish: subscribers, history_size: 10, data: binary}\n")
    await asyncio.to_thread(cluster.start)
    yield cluster
    await asyncio.to_thread(cluster.stop)


class Application:
    def __init__(self, address: str, user: str, binary: bool, credentials: str):
        self.user, self.binary, self.events, self.asked = user, binary, Events(), 0

        async def fetch():
            self.asked += 1
            return credentials

        self.client = Client(
            address, events=self.events, get_token=fetch, use_protobuf=binary, max_reconnect_delay=0.5)

    def payload(self, data):
        return json.dumps(data).encode() if self.binary else data

    async def subscribe(self, channel: str, **options) -> Received:
        received = Received()
        subscription = self.client.new_subscription(channel, events=received, **options)
        await subscription.subscribe()
        await subscription.ready(timeout=30)
        return received


@pytest_asyncio.fixture(params=[False, True], ids=["json", "protobuf"], loop_scope="module")
async def start(request, cluster):
    """Starts applications that speak the encoding of the test, and ends them with it."""
    started = []

    async def start(user: str, port: int | None = None, **claims) -> Application:
        address = f"ws://127.0.0.1:{port or cluster.front_port}/connection/websocket"
        application = Application(address, user, request.param, token(SECRET, user, f"s-{user}", **claims))
        started.append(application)
        await application.client.connect()
        await application.client.ready(timeout=30)
        return application

    start.name = "protobuf" if request.param else "json"
    yield start
    for application in started:
        await application.client.disconnect()


async def test_a_channel_between_two_nodes(cluster, start):
    channel = f"room:talk-{start.name}"
    ann = await start("ann", cluster.nodes[0].public, info={"name": "Ann"})
    bob = await start("bob", cluster.nodes[1].public)
    heard = await ann.subscribe(channel, join_leave=True), await bob.subscribe(channel)
    await ann.client.publish(channel, ann.payload({"text": "a\nb 🐦", "big": 12345678901234567890}))
    await call(cluster.nodes[1], "publish", channel=channel, data=[1.5, None])
    await until("both have both", lambda: all(len(each.data) == 2 for each in heard))
    for each in heard:
        assert each.data == [{"text": "a\nb 🐦", "big": 12345678901234567890}, [1.5, None]]
        assert each.publications[0].info.user == "ann" and each.publications[1].info is None
        assert [publication.offset for publication in each.publications] == [1, 2]
    await until("bob's coming", lambda: ("join", "bob") in heard[0].others)
    assert heard[1].others == []
    # Entries are gathered for a moment before they go to Redis.
    await until("both are there", lambda: count(ann, channel, 2))
    presence = await ann.client.presence(channel)
    assert sorted(info.user for info in presence.clients.values()) == ["ann", "bob"]
    stats = await bob.client.presence_stats(channel)
    assert (stats.num_clients, stats.num_users) == (2, 2)
    history = await bob.client.history(channel, limit=1, reverse=True)
    assert [decode(publication.data) for publication in history.publications] == [[1.5, None]] and history.offset == 2
    history = await bob.client.history(channel, limit=10, since=StreamPosition(offset=1, epoch=history.epoch))
    assert [publication.offset for publication in history.publications] == [2]
    with pytest.raises(ReplyError) as foreign:
        await bob.client.history(channel, limit=10, since=StreamPosition(offset=1, epoch="other"))
    assert foreign.value.code == 112
    await bob.client.disconnect()
    await until("bob's leaving", lambda: heard[0].others[-1] == ("leave", "bob"))
    await until("one is left", lambda: count(ann, channel, 1))


async def count(application, channel, expected) -> bool:
    return len((await application.client.presence(channel)).clients) == expected


async def test_recovery_of_three_and_of_too_many(cluster, start):
    channel = f"room:missed-{start.name}"
    ann = await start("ann")
    heard = await ann.subscribe(channel)
    assert heard.starts[0].recoverable and not heard.starts[0].was_recovering
    await call(cluster.nodes[0], "publish", channel=channel, data=0)
    await until("the first", lambda: heard.data == [0])
    for missed, recovered in [(3, True), (110, False)]:
        starts = len(heard.starts)
        async with cut(ann):
            commands = [{"publish": {"channel": channel, "data": number + 1}} for number in range(missed)]
            await asyncio.to_thread(cluster.nodes[0].api, "batch", {"commands": commands})
        await until("back", lambda: len(heard.starts) > starts)
        assert heard.starts[-1].was_recovering and heard.starts[-1].recovered is recovered
    # What came after the history was overrun is not sent as if nothing had been lost.
    assert heard.data == [0, 1, 2, 3]
    await call(cluster.nodes[0], "publish", channel=channel, data="live")
    await until("live again", lambda: heard.data[-1] == "live")
    assert ann.events.disconnected == []


@contextlib.asynccontextmanager
async def cut(application: Application):
    """Breaks the SDK's connection, and keeps it from coming back before something was missed."""
    client, mended = application.client, asyncio.Event()
    connect = client._open_transport

    async def connect_later():
        await mended.wait()
        return await connect()

    client._open_transport = connect_later
    client._conn.transport.abort()
    await until("noticed", lambda: client.state is not ClientState.CONNECTED)
    yield
    client._open_transport = connect
    mended.set()


def tick(number: int) -> dict:
    return {"symbol": "MRTL", "price": number, "venue": "Zürich 🐦", "book": [f"level {each}" for each in range(20)]}


async def test_patches_in_place_of_whole_publications(cluster, start):
    channel = f"ticks:{start.name}"
    ann, bob = await start("ann"), await start("bob", cluster.nodes[1].public)
    heard = await ann.subscribe(channel, delta=DeltaType.FOSSIL, recoverable=True)
    whole = await bob.subscribe(channel)
    for number in range(1, 4):
        await call(cluster.nodes[number % 2], "publish", channel=channel, data=tick(number))
    await until("three", lambda: len(heard.data) == len(whole.data) == 3)
    # The SDK applies them, and tells which it applied.
    assert [publication.delta for publication in heard.publications] == [False, True, True]
    late = await (await start("cat")).subscribe(channel, delta=DeltaType.FOSSIL)
    async with cut(ann):
        for number in range(4, 7):
            await call(cluster.nodes[number % 2], "publish", channel=channel, data=tick(number))
    await until("what was missed", lambda: len(heard.data) == 6)
    assert heard.starts[-1].recovered
    await call(cluster.nodes[0], "publish", channel=channel, data=tick(7))
    # Nothing in common: in full, and what follows is against that.
    await call(cluster.nodes[0], "publish", channel=channel, data=8)
    await call(cluster.nodes[0], "publish", channel=channel, data=tick(9))
    await until("all", lambda: len(heard.data) == len(whole.data) == 9 and len(late.data) == 6)
    assert heard.data == whole.data == [*map(tick, range(1, 8)), 8, tick(9)] and late.data == heard.data[3:]
    kinds = [publication.delta for publication in heard.publications]
    assert kinds == [False, True, True, False, True, True, True, False, False]
    assert not any(publication.delta for publication in whole.publications)
    assert ann.events.errors == [] and ann.events.disconnected == []


class Raw(Received):
    async def on_publication(self, context):
        self.data.append(context.pub.data)


async def test_a_channel_of_any_bytes(cluster, start):
    channel = f"files:{start.name}"
    # A first byte of zero would claim to be a node's own, where another service publishes it.
    payload = bytes(range(255, -1, -1)) + b"{}\n"
    text = base64.b64encode(payload).decode()
    ann, bob = await start("ann"), await start("bob", cluster.nodes[1].public)
    heard = Raw()
    subscription = ann.client.new_subscription(channel, events=heard, recoverable=True)
    await subscription.subscribe()
    await subscription.ready(timeout=30)
    expected = payload if ann.binary else text
    await bob.client.new_subscription(channel, events=Raw()).subscribe()
    await until("bob is in", lambda: bob.client.get_subscription(channel).state.value == "subscribed")
    await bob.client.publish(channel, expected)
    await call(cluster.nodes[0], "publish", channel=channel, b64data=text)
    await until("both", lambda: heard.data == [expected] * 2)
    await publish_raw(cluster, channel, payload)
    await until("what another service published", lambda: heard.data == [expected] * 3)
    history = await ann.client.history(channel, limit=10)
    assert [publication.data for publication in history.publications] == [expected] * 2
    async with cut(ann):
        await call(cluster.nodes[1], "publish", channel=channel, b64data=text)
    await until("what was missed", lambda: heard.data == [expected] * 4)
    kept = await call(cluster.nodes[1], "history", channel=channel, limit=10)
    assert [publication["data"] for publication in kept["publications"]] == [text] * 3
    # Elsewhere they are no message.
    room = f"room:bytes-{start.name}"
    if ann.binary:
        await ann.subscribe(room)
        with pytest.raises(ReplyError) as refused:
            await ann.client.publish(room, payload)
        assert refused.value.code == 107


async def publish_raw(cluster, channel, payload):
    process = await asyncio.create_subprocess_exec(
        "redis-cli", "-p", str(cluster.redis_port), "-x", "PUBLISH", f"martlet.{channel}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    await process.communicate(payload)


async def test_subscription_tokens(cluster, start):
    channel = f"$room:secret-{start.name}"
    ann = await start("ann")
    asked = []

    async def grant(name):
        asked.append(name)
        return token(SECRET, "ann", "s-ann", seconds=2, channel=name, info={"role": "editor"})

    heard = await ann.subscribe(channel, get_token=grant)
    await until("ann is there", lambda: count(ann, channel, 1))
    presence = await ann.client.presence(channel)
    [info] = presence.clients.values()
    assert decode(info.chan_info) == {"role": "editor"}
    await until("refreshed", lambda: len(asked) >= 3)
    assert heard.ends == [] and len(heard.starts) == 1
    # Without a token, with another's and with one of another channel.
    refused = Received()
    await ann.client.new_subscription(f"$room:other-{start.name}", events=refused).subscribe()
    await until("refused", lambda: refused.ends)
    assert refused.ends == [103]
    for wrong in [dict(user="bob", channel=f"$room:x-{start.name}"), dict(user="ann", channel="$room:elsewhere")]:
        bob = await start("ann")

        async def misgrant(name, wrong=wrong):
            return token(SECRET, wrong["user"], "s", channel=wrong["channel"])

        subscription = bob.client.new_subscription(f"$room:x-{start.name}", get_token=misgrant)
        await subscription.subscribe()
        await until("out", lambda: bob.events.disconnected)
        assert bob.events.disconnected == [3500]


async def test_a_subscription_that_is_not_refreshed_ends(cluster, start):
    ann = await start("ann")
    credentials = token(SECRET, "ann", "s-ann", seconds=1, channel=f"$room:brief-{start.name}")
    heard = Received()
    subscription = ann.client.new_subscription(f"$room:brief-{start.name}", events=heard, token=credentials)
    await subscription.subscribe()
    await until("its end", lambda: heard.ends or len(ann.events.errors) > 0)
    assert ann.events.disconnected == []


async def test_calls_and_what_the_backend_decides(cluster, start, backend):
    ann = await start("ann")
    answer = await ann.client.rpc("echo", ann.payload({"n": [1, 2]}))
    assert decode(answer.data) == {"echo": {"n": [1, 2]}, "user": "ann"}
    with pytest.raises(ReplyError) as failed:
        await ann.client.rpc("fail", ann.payload({}))
    assert (failed.value.code, failed.value.message) == (1001, "no such thing")
    heard = await ann.subscribe(f"asked:open-{start.name}")
    assert decode(heard.starts[0].data) == {"welcome": "ann"}
    await ann.client.publish(f"asked:open-{start.name}", ann.payload({"text": "hello"}))
    await until("checked", lambda: heard.data == [{"checked": {"text": "hello"}}])
    with pytest.raises(ReplyError) as refused:
        await ann.client.publish(f"asked:open-{start.name}", ann.payload({"text": "rude"}))
    assert refused.value.code == 1002
    shut = Received()
    await ann.client.new_subscription(f"asked:{start.name}-closed", events=shut).subscribe()
    await until("shut", lambda: shut.ends)
    assert shut.ends == [103]


async def test_subscriptions_that_the_server_makes(cluster, start):
    mine = f"room:mine-{start.name}"
    ann = await start("ann", channels=[mine])
    await until("subscribed by the token", lambda: ("subscribed", mine) in ann.events.server)
    later = f"room:later-{start.name}"
    await call(cluster.nodes[0], "subscribe", user="ann", channel=later)
    await until("subscribed by the API", lambda: ("subscribed", later) in ann.events.server)
    for channel in [mine, later]:
        await call(cluster.nodes[1], "publish", channel=channel, data="hello")
        await until("a publication", lambda: ("publication", channel, "hello") in ann.events.server)
    await call(cluster.nodes[1], "unsubscribe", user="ann", channel=later)
    await until("unsubscribed by the API", lambda: ("unsubscribed", later) in ann.events.server)
    # A cut makes it recover them as well.
    async with cut(ann):
        await call(cluster.nodes[0], "publish", channel=mine, data="missed")
    await until("what was missed", lambda: ("publication", mine, "missed") in ann.events.server)
    assert ann.events.disconnected == []


async def test_state_that_is_no_longer_good_is_fetched_anew(cluster, start):
    ann = await start(f"ann-anew-{start.name}")
    asked = ann.asked
    body = {"user": f"ann-anew-{start.name}", "disconnect": {"code": 3014, "reason": "state invalidated"}}
    await call(cluster.nodes[0], "disconnect", **body)
    await until("back", lambda: ann.events.connects == 2)
    assert ann.asked > asked and ann.events.disconnected == []


async def test_ends_that_are_final_and_ends_that_are_not(cluster, start):
    for code, comes_back in [(3001, True), (3011, True), (4100, True), (3500, False), (4500, False)]:
        ann = await start(f"ann-{code}-{start.name}")
        body = {"user": f"ann-{code}-{start.name}", "disconnect": {"code": code, "reason": "because"}}
        await call(cluster.nodes[0], "disconnect", **body)
        if comes_back:
            await until(f"back after {code}", lambda: ann.events.connects == 2)
            assert ann.events.connecting[-1] == code and ann.events.disconnected == []
        else:
            await until(f"out after {code}", lambda: ann.events.disconnected)
            await asyncio.sleep(0.7)
            assert ann.events.disconnected == [code] and ann.events.connects == 1
