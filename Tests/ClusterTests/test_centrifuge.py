# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The unmodified SDK centrifuge-python, speaking JSON, against two nodes behind HAProxy."""

import asyncio
import signal
import time

import aiohttp
import pytest
import pytest_asyncio
from centrifuge import Client, ClientEventHandler, ClientState, ReplyError, SubscriptionEventHandler

from clients import call, token, until
from cluster import SECRET, Cluster

pytestmark = pytest.mark.asyncio(loop_scope="module")
# Enough for an answer in time where the machine is busy.
PING_SECONDS, PONG_SECONDS = 4, 3


class Events(ClientEventHandler):
    """Everything the SDK tells an application about its connection."""

    def __init__(self):
        self.connecting, self.disconnected, self.errors = [], [], []
        self.connects = 0

    async def on_connecting(self, context):
        self.connecting.append((context.code, context.reason))

    async def on_connected(self, context):
        self.connects += 1
        self.client = context.client

    async def on_disconnected(self, context):
        self.disconnected.append((context.code, context.reason))

    async def on_error(self, context):
        self.errors.append((context.code, str(context.error)))


class Received(SubscriptionEventHandler):
    def __init__(self):
        self.data, self.publications, self.subscribes, self.unsubscribed = [], [], 0, []

    async def on_subscribed(self, context):
        self.subscribes += 1

    async def on_unsubscribed(self, context):
        self.unsubscribed.append((context.code, context.reason))

    async def on_publication(self, context):
        self.data.append(context.pub.data)
        self.publications.append(context.pub)


class Application:
    """One SDK client with its events, and how often it asked for a token."""

    def __init__(self, address: str, user: str, tokens=None, **options):
        self.user, self.events, self.asked = user, Events(), 0
        self.tokens = tokens or (lambda _: token(SECRET, user, f"s-{user}"))
        # With little patience for late pings, so that a missing one shows.
        self.client = Client(
            address, events=self.events, get_token=self.fetch, max_server_ping_delay=PONG_SECONDS,
            max_reconnect_delay=1, **options)

    async def fetch(self) -> str:
        self.asked += 1
        return self.tokens(self.asked)

    async def connect(self):
        await self.client.connect()
        await self.client.ready(timeout=30)
        return self

    async def subscribe(self, channel: str) -> Received:
        received = Received()
        subscription = self.client.new_subscription(channel, events=received)
        await subscription.subscribe()
        await subscription.ready(timeout=30)
        return received


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster():
    cluster = Cluster(
        2, prometheus=False,
        node_environment={
            "MARTLET_LIMITS_PING_INTERVAL": f"{PING_SECONDS}s", "MARTLET_LIMITS_PONG_TIMEOUT": f"{PONG_SECONDS}s",
            "MARTLET_DRAIN_DELAY": "4s", "MARTLET_DRAIN_WINDOW": "1s"})
    await asyncio.to_thread(cluster.start)
    yield cluster
    await asyncio.to_thread(cluster.stop)


@pytest_asyncio.fixture(loop_scope="module")
async def start(cluster):
    """Starts applications, and ends them with the test."""
    started = []

    async def start(user: str, port: int | None = None, **options) -> Application:
        address = f"ws://127.0.0.1:{port or cluster.front_port}/connection/websocket"
        started.append(Application(address, user, **options))
        return await started[-1].connect()

    yield start
    for application in started:
        await application.client.disconnect()


async def test_two_clients_on_two_nodes_hear_each_other_and_the_api(cluster, start):
    ann, bob = await start("ann", cluster.nodes[0].public), await start("bob", cluster.nodes[1].public)
    heard = [await application.subscribe("chat:sdk") for application in [ann, bob]]
    await ann.client.publish("chat:sdk", {"text": "from ann", "lines": "a\nb", "ümlaut": "🐦"})
    await bob.client.publish("chat:sdk", ["from", "bob", 1.5, None, True])
    await call(cluster.nodes[0], "publish", channel="chat:sdk", data={"text": "from the API"})
    await until("three publications each", lambda: all(len(received.data) == 3 for received in heard))
    for received in heard:
        assert received.data[0] == {"text": "from ann", "lines": "a\nb", "ümlaut": "🐦"}
        assert sorted(map(str, received.data[1:])) == sorted(
            map(str, [["from", "bob", 1.5, None, True], {"text": "from the API"}]))
        # What a client published says who did; what a service published does not.
        assert received.publications[0].info.user == "ann"
        assert received.publications[0].info.client == ann.events.client
        [service] = [publication for publication in received.publications if isinstance(publication.data, dict)][1:]
        assert service.info is None
    assert ann.events.errors == bob.events.errors == []


async def test_permissions_and_unsubscribing(cluster, start):
    ann, bob = await start("ann", cluster.nodes[0].public), await start("bob", cluster.nodes[0].public)
    news, others = await ann.subscribe("news:today"), await bob.subscribe("news:today")
    with pytest.raises(ReplyError) as refused:
        await ann.client.publish("news:today", {"text": "not mine to say"})
    assert refused.value.code == 103
    with pytest.raises(ReplyError) as unknown:
        await ann.client.publish("nowhere:today", {})
    assert unknown.value.code == 102
    secret = Received()
    await ann.client.new_subscription("nowhere:today", events=secret).subscribe()
    await until("the refused subscription", lambda: secret.unsubscribed)
    assert secret.unsubscribed[0][0] == 102
    await ann.client.get_subscription("news:today").unsubscribe()
    await call(cluster.nodes[0], "publish", channel="news:today", data={"n": 1})
    await until("what the node has heard", lambda: others.data)
    await ann.client.get_subscription("news:today").subscribe()
    await until("subscribed again", lambda: news.subscribes == 2)
    await call(cluster.nodes[1], "publish", channel="news:today", data={"n": 2})
    await until("what came after", lambda: news.data)
    assert news.data == [{"n": 2}]
    assert ann.client.state is ClientState.CONNECTED and ann.events.connects == 1


async def test_pings_and_pongs_keep_a_silent_connection(cluster, start):
    ann = await start("ann")
    quiet = await ann.subscribe("chat:quiet")
    # The SDK leaves where no ping comes in time, the node where no pong does.
    await asyncio.sleep(2 * (PING_SECONDS + PONG_SECONDS))
    assert ann.events.connects == 1 and ann.events.disconnected == [] and len(ann.events.connecting) == 1
    await call(cluster.nodes[0], "publish", channel="chat:quiet", data=1)
    await until("a message after the silence", lambda: quiet.data == [1])


async def test_a_client_that_does_not_answer_pings_is_closed(cluster):
    front = f"ws://127.0.0.1:{cluster.front_port}/connection/websocket"
    async with aiohttp.ClientSession() as http, http.ws_connect(front) as socket:
        await socket.send_json({"id": 1, "connect": {"token": token(SECRET, "mute", "s-mute")}})
        reply = (await socket.receive_json())["connect"]
        assert reply["ping"] == PING_SECONDS and reply["pong"] is True
        assert await socket.receive_json(timeout=30) == {}
        assert (await socket.receive(timeout=30)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 3012


async def test_a_disconnect_by_the_api_is_final(cluster, start):
    ann, bob = await start("ann"), await start("bob")
    await call(cluster.nodes[1], "disconnect", user="ann")
    await until("ann disconnected", lambda: ann.events.disconnected)
    assert ann.events.disconnected == [(3503, "force disconnect")]
    await asyncio.sleep(1.5)
    assert ann.client.state is ClientState.DISCONNECTED and ann.events.connects == 1
    assert bob.client.state is ClientState.CONNECTED and bob.events.connects == 1
    # One that is not final: the SDK comes back.
    await call(cluster.nodes[0], "disconnect", user="bob", disconnect={"code": 3011, "reason": "force reconnect"})
    await until("bob came back", lambda: bob.events.connects == 2)
    assert bob.events.disconnected == [] and bob.events.connecting[-1] == (3011, "force reconnect")


async def test_one_of_a_users_connections_is_disconnected(cluster, start):
    first, second = await start("ann"), await start("ann")
    await call(cluster.nodes[0], "disconnect", user="ann", client=first.events.client)
    await until("the first disconnected", lambda: first.events.disconnected)
    await asyncio.sleep(0.3)
    assert second.client.state is ClientState.CONNECTED and second.events.disconnected == []


@pytest.mark.parametrize("target, end", [
    ({"user": "eve-user"}, (4501, "user revoked")),
    ({"session": "s-eve-session"}, (4500, "session revoked")),
    ({"token": "jti-eve-token"}, (4502, "token revoked")),
])
async def test_a_revocation_is_final_and_the_token_is_refused(cluster, start, target, end):
    user = "eve-" + next(iter(target))
    credentials = token(SECRET, user, f"s-{user}", jti=f"jti-{user}")
    eve = await start(user, tokens=lambda _: credentials)
    bob = await start("bob")
    await call(cluster.nodes[0], "revoke", **target)
    await until("revoked", lambda: eve.events.disconnected)
    assert eve.events.disconnected == [end]
    await asyncio.sleep(1.5)
    assert eve.client.state is ClientState.DISCONNECTED and eve.events.connects == 1
    assert bob.client.state is ClientState.CONNECTED and bob.events.connects == 1
    # Insisting does not help, on either node.
    for node in cluster.nodes:

        async def is_refused() -> bool:
            again = Application(
                f"ws://127.0.0.1:{node.public}/connection/websocket", user, tokens=lambda _: credentials)
            await again.client.connect()
            await until("ended", lambda: again.events.disconnected)
            assert again.events.disconnected == [end]
            return again.events.connects == 0

        # The other node may hear of it later than the one where eve was.
        await until("refused", is_refused)


async def test_an_expired_token_makes_the_sdk_fetch_another(start):
    hour_ago = int(time.time()) - 7200
    tokens = [token(SECRET, "old", "s-old", seconds=3600, issued=hour_ago), token(SECRET, "old", "s-old")]
    old = await start("old", tokens=lambda asked: tokens[min(asked, 2) - 1])
    assert old.asked == 2 and old.events.connects == 1
    assert [code for code, _ in old.events.errors] and old.events.disconnected == []
    assert any("109" in text or "expired" in text for _, text in old.events.errors), old.events.errors


async def test_a_wrong_token_is_final(cluster):
    wrong = Application(
        f"ws://127.0.0.1:{cluster.front_port}/connection/websocket", "ann",
        tokens=lambda _: token("another-secret-0123456789-0123456789", "ann", "s"))
    await wrong.client.connect()
    await until("refused", lambda: wrong.events.disconnected)
    assert wrong.events.disconnected == [(3500, "invalid token")]
    await asyncio.sleep(1)
    assert wrong.client.state is ClientState.DISCONNECTED and wrong.asked == 1


async def test_the_sdk_refreshes_its_token_before_it_expires(start):
    brief = await start("brief", tokens=lambda _: token(SECRET, "brief", "s-brief", seconds=4))
    await until("two refreshes", lambda: brief.asked >= 3)
    assert brief.events.connects == 1 and brief.events.disconnected == brief.events.errors == []


async def test_a_draining_node_sends_its_clients_to_another(cluster, start):
    applications = [await start(f"user-{number}") for number in range(6)]
    received = [await application.subscribe("chat:drain") for application in applications]
    node = cluster.nodes[0]
    # Those of other tests may still be on their way out.
    await until("they are counted", lambda: asyncio.to_thread(lambda: cluster.open_connections() == len(applications)))
    here = int(node.metrics()["martlet_open_connections"])
    assert here > 0
    ended = asyncio.create_task(asyncio.to_thread(node.process.stop, 60, signal.SIGTERM))
    assert await ended == 0
    await until(
        "all subscribed again", lambda: all(
            application.client.state is ClientState.CONNECTED and got.subscribes == application.events.connects
            for application, got in zip(applications, received)))
    # The one code that a drain shows, and each client saw it at most once.
    moved = [application for application in applications if application.events.connects > 1]
    assert len(moved) == here
    for application in moved:
        assert application.events.connecting[1] == (3001, "shutdown"), application.events.connecting
        assert application.events.disconnected == []
    await call(cluster.nodes[1], "publish", channel="chat:drain", data="after")
    await until("a message for everybody", lambda: all(got.data[-1:] == ["after"] for got in received))
    await asyncio.to_thread(node.start)
