# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The unmodified SDK centrifuge-js in Chromium, over every transport it has, through HAProxy to two nodes.

The SDK is not part of the project: CENTRIFUGE_JS names a directory with its browser builds `centrifuge.js` (JSON)
and `centrifuge.protobuf.js`.
"""

import asyncio
import base64
import http.server
import json
import os
import pathlib
import threading
import time

import pytest
import pytest_asyncio

from clients import call, token, until
from cluster import SECRET, Cluster

pytestmark = pytest.mark.asyncio(loop_scope="module")
BUILDS = pathlib.Path(os.environ.get("CENTRIFUGE_JS", "/nonexistent"))
PING_SECONDS = 2

# What every page has beside the SDK: a client of one transport, and everything that it tells.
SCRIPT = """
function start(front, transport, credentials, options = {}) {
    const log = window.log = {
        connects: 0, asked: 0, connecting: [], disconnected: [], errors: [], data: {}, subscribed: {},
        unsubscribed: {}, joins: {}, server: {}, transport: null,
    };
    const endpoint = transport === 'websocket'
        ? front.replace('http', 'ws') + '/connection/websocket' : front + '/connection/' + transport;
    const client = window.client = new Centrifuge([{transport, endpoint}], {
        emulationEndpoint: front + '/emulation', minReconnectDelay: 50, maxReconnectDelay: 1000,
        maxServerPingDelay: 1500,
        getToken: async () => { log.asked += 1; return credentials[Math.min(log.asked, credentials.length) - 1]; },
        ...options,
    });
    client.on('connecting', context => log.connecting.push(context.code));
    client.on('connected', context => { log.connects += 1; log.client = context.client; log.transport = context.transport; });
    client.on('disconnected', context => log.disconnected.push([context.code, context.reason]));
    client.on('error', context => log.errors.push(context.error));
    client.on('publication', context => (log.server[context.channel] ||= []).push(decode(context.data)));
    client.connect();
    return client.ready(10000).then(() => null);
}
// The SDK's Protobuf build hands payloads on as bytes.
const decode = data => data instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(data)) : data;
const encode = data => window.binary ? new TextEncoder().encode(JSON.stringify(data)) : data;
function subscribe(channel, options = {}) {
    const subscription = client.newSubscription(channel, options);
    log.data[channel] = []; log.subscribed[channel] = []; log.unsubscribed[channel] = []; log.joins[channel] = [];
    subscription.on('publication', context => log.data[channel].push(decode(context.data)));
    subscription.on('join', context => log.joins[channel].push(['join', context.info.user]));
    subscription.on('leave', context => log.joins[channel].push(['leave', context.info.user]));
    subscription.on('subscribed', context => log.subscribed[channel].push(
        {recovered: context.recovered, wasRecovering: context.wasRecovering, recoverable: context.recoverable}));
    subscription.on('unsubscribed', context => log.unsubscribed[channel].push(context.code));
    subscription.subscribe();
    return subscription.ready(10000).then(() => null);
}
"""

TRANSPORTS = [
    ("websocket", False), ("websocket", True), ("sse", False), ("http_stream", False), ("http_stream", True)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster():
    cluster = Cluster(
        2, prometheus=False,
        node_environment={
            "MARTLET_LIMITS_PING_INTERVAL": f"{PING_SECONDS}s", "MARTLET_LIMITS_PONG_TIMEOUT": "1s",
            "MARTLET_DRAIN_DELAY": "1s", "MARTLET_DRAIN_WINDOW": "1s"})
    with open(cluster.directory / "martlet.yaml", "a") as file:
        file.write("  - {name: ticks, subscribe: authenticated, history_size: 50, delta: fossil}\n")
        file.write(
            "  - {name: files, subscribe: authenticated, publish: subscribers, history_size: 10, data: binary}\n")
    # One after the other, so that a stream and what belongs to it land on different nodes.
    cluster.balance = "roundrobin"
    await asyncio.to_thread(cluster.start)
    yield cluster
    await asyncio.to_thread(cluster.stop)


@pytest.fixture(scope="module")
def site():
    """The pages' own server, another origin than the cluster."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            name = self.path.strip("/")
            if name.endswith(".html"):
                build = "centrifuge.protobuf.js" if "protobuf" in name else "centrifuge.js"
                binary = "true" if "protobuf" in name else "false"
                body = f"<script src='/{build}'></script><script>window.binary={binary};{SCRIPT}</script>".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(body)
            else:
                super().do_GET()

        def log_message(self, *arguments):
            pass

    handler = lambda *arguments: Handler(*arguments, directory=str(BUILDS))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest_asyncio.fixture(params=TRANSPORTS, ids=lambda it: it[0] + ("-protobuf" if it[1] else ""), loop_scope="module")
async def start(request, browser, site, cluster):
    """Opens pages with a client each, over the transport of the test."""
    transport, binary = request.param
    contexts = []

    async def start(user: str, front: int | None = None, credentials=None, **options):
        context = await browser.new_context()
        contexts.append(context)
        page = await context.new_page()
        await page.goto(f"{site}/{'protobuf' if binary else 'json'}.html")
        # Pages learn of options by JSON, so that functions stay out.
        await page.evaluate(
            "([front, transport, credentials, options]) => start(front, transport, credentials, options)",
            [f"http://127.0.0.1:{front or cluster.front_port}", transport,
             credentials or [token(SECRET, user, f"s-{user}")], options])
        return page

    start.transport, start.binary = transport, binary
    start.name = transport + ("-protobuf" if binary else "")
    yield start
    for context in contexts:
        await context.close()


async def log(page) -> dict:
    return json.loads(await page.evaluate("JSON.stringify(log)"))


async def test_messages_through_both_nodes(cluster, start):
    channel = f"chat:js-{start.name}"
    ann, bob = await start("ann"), await start("bob")
    for page in [ann, bob]:
        await page.evaluate("channel => subscribe(channel)", channel)
    payload = {"text": "lines\nand \u2028 ümlauts 🐦", "big": 9007199254740991}
    await ann.evaluate(
        "async ([channel, data]) => { await client.publish(channel, encode(data)); }", [channel, payload])
    await call(cluster.nodes[0], "publish", channel=channel, data={"text": "from the\nAPI"})

    async def both():
        return [len((await log(page))["data"][channel]) for page in [ann, bob]] == [2, 2]

    await until("two messages each", both)
    for page in [ann, bob]:
        seen = await log(page)
        assert seen["data"][channel] == [payload, {"text": "from the\nAPI"}]
        assert seen["connects"] == 1 and seen["disconnected"] == []
        assert seen["transport"] == start.transport


async def test_connect_and_subscribe_in_one_frame(cluster, start):
    channel = f"chat:first-{start.name}"
    page = await start("cat")
    await page.evaluate("() => { client.disconnect(); }")
    # The subscription is asked for while the client connects, so both commands go in the first frame.
    await page.evaluate("channel => { client.connect(); return subscribe(channel); }", channel)
    await call(cluster.nodes[1], "publish", channel=channel, data=[1])

    async def heard():
        return (await log(page))["data"][channel] == [[1]]

    await until("the message", heard)


async def test_a_silent_connection_stays_by_pings(start):
    page = await start("dot")
    await asyncio.sleep(3 * PING_SECONDS + 1)
    seen = await log(page)
    assert seen["connects"] == 1 and len(seen["connecting"]) == 1 and seen["disconnected"] == []


async def test_recovery_after_a_cut(cluster, start):
    channel = f"room:recover-{start.name}"
    page = await start("eve")
    await page.evaluate("channel => subscribe(channel)", channel)
    await call(cluster.nodes[0], "publish", channel=channel, data=0)
    await until("the first", lambda: is_data(page, channel, [0]))
    await page.context.set_offline(True)
    # A cut that the server makes at once, as being offline does not end what is open.
    await call(cluster.nodes[0], "disconnect", user="eve", disconnect={"code": 3011, "reason": "force reconnect"})
    await until("cut", lambda: is_connecting(page))
    for number in [1, 2, 3]:
        await call(cluster.nodes[number % 2], "publish", channel=channel, data=number)
    await page.context.set_offline(False)
    await until("what was missed", lambda: is_data(page, channel, [0, 1, 2, 3]))
    seen = (await log(page))["subscribed"][channel]
    assert seen[-1]["wasRecovering"] and seen[-1]["recovered"], seen

    await page.context.set_offline(True)
    await call(cluster.nodes[0], "disconnect", user="eve", disconnect={"code": 3011, "reason": "force reconnect"})
    await until("cut again", lambda: is_connecting(page))
    # More than the namespace keeps.
    for number in range(110):
        await call(cluster.nodes[0], "publish", channel=channel, data=number)
    await page.context.set_offline(False)

    async def told():
        last = (await log(page))["subscribed"][channel][-1]
        return last["wasRecovering"] and not last["recovered"]

    await until("the gap is told", told)


def tick(number: int) -> dict:
    return {"symbol": "MRTL", "price": number, "venue": "Zürich 🐦", "book": [f"level {each}" for each in range(20)]}


async def test_patches_in_place_of_whole_publications(cluster, start):
    channel = f"ticks:js-{start.name}"
    page = await start("max")
    await page.evaluate("channel => { subscribe(channel, {delta: 'fossil'}); }", channel)
    await until("subscribed", lambda: page.evaluate(
        "channel => client.getSubscription(channel)?.state === 'subscribed'", channel))
    for number in range(1, 4):
        await call(cluster.nodes[number % 2], "publish", channel=channel, data=tick(number))
    await until("three", lambda: is_data(page, channel, [tick(1), tick(2), tick(3)]))
    await page.context.set_offline(True)
    await call(cluster.nodes[0], "disconnect", user="max", disconnect={"code": 3011, "reason": "force reconnect"})
    await until("cut", lambda: is_connecting(page))
    for number in range(4, 7):
        await call(cluster.nodes[number % 2], "publish", channel=channel, data=tick(number))
    await page.context.set_offline(False)
    await until("what was missed", lambda: is_data(page, channel, [tick(number) for number in range(1, 7)]))
    await call(cluster.nodes[0], "publish", channel=channel, data=tick(7))
    await call(cluster.nodes[1], "publish", channel=channel, data="nothing in common")
    await until("all", lambda: is_data(
        page, channel, [*[tick(number) for number in range(1, 8)], "nothing in common"]))
    stats = await page.evaluate("channel => client.getSubscription(channel).deltaStats()", channel)
    assert (stats["numFullPayloads"], stats["numDeltaPayloads"]) == (3, 5), stats
    assert stats["compressionRatio"] > 0.3, stats
    # A patch that could not be applied would have ended the connection for good.
    assert (await log(page))["disconnected"] == []


async def test_a_channel_of_any_bytes(cluster, start):
    channel = f"files:js-{start.name}"
    page = await start("ned")
    payload = bytes(range(255, -1, -1))
    text = base64.b64encode(payload).decode()
    # As the SDK hands it on, of Protobuf turned into text by the page.
    await page.evaluate("""channel => {
        window.got = [];
        const subscription = client.newSubscription(channel);
        subscription.on('publication', ({data}) => got.push(
            data instanceof Uint8Array ? btoa(String.fromCharCode(...data)) : data));
        subscription.subscribe();
        return subscription.ready(10000).then(() => null);
    }""", channel)
    await call(cluster.nodes[0], "publish", channel=channel, b64data=text)
    await page.evaluate("""([channel, text]) => client.publish(
        channel, window.binary ? Uint8Array.from(atob(text), each => each.charCodeAt(0)) : text)""", [channel, text])
    await until("both", lambda: page.evaluate("text => got.length === 2 && got.every(each => each === text)", text))


async def is_data(page, channel, expected) -> bool:
    return (await log(page))["data"][channel] == expected


async def is_connecting(page) -> bool:
    return await page.evaluate("client.state") != "connected"


async def test_presence_history_and_comings_and_goings(cluster, start):
    channel = f"room:people-{start.name}"
    ann, bob = await start("ann"), await start("bob")
    await ann.evaluate("channel => subscribe(channel, {joinLeave: true})", channel)
    await bob.evaluate("channel => subscribe(channel)", channel)
    presence = "async channel => Object.values((await client.presence(channel)).clients).map(info => info.user).sort()"
    await until("both are there", lambda: same(ann, presence, channel))
    stats = await ann.evaluate("async channel => await client.presenceStats(channel)", channel)
    assert (stats["numClients"], stats["numUsers"]) == (2, 2)
    for number in range(3):
        await call(cluster.nodes[0], "publish", channel=channel, data=number)
    page = await ann.evaluate(
        "async channel => { const page = await client.history(channel, {limit: 2, reverse: true}); "
        "return {data: page.publications.map(each => decode(each.data)), offset: page.offset}; }", channel)
    assert page == {"data": [2, 1], "offset": 3}
    await bob.evaluate("() => { client.disconnect(); }")

    async def left():
        return (await log(ann))["joins"][channel][-2:] == [["join", "bob"], ["leave", "bob"]]

    await until("bob's leaving is told", left)


async def same(page, script, channel) -> bool:
    return await page.evaluate(script, channel) == ["ann", "bob"]


async def test_ends_that_are_final_and_ends_that_are_not(cluster, start):
    fay, gus = await start("fay"), await start("gus")
    await call(cluster.nodes[0], "disconnect", user="fay")
    await call(cluster.nodes[0], "disconnect", user="gus", disconnect={"code": 3001, "reason": "shutdown"})

    async def ended():
        return (await log(fay))["disconnected"] and (await log(gus))["connects"] == 2

    await until("one is out and one is back", ended)
    await asyncio.sleep(1.5)
    assert (await log(fay))["disconnected"] == [[3503, "force disconnect"]] and (await log(fay))["connects"] == 1
    assert (await log(gus))["disconnected"] == []


async def test_a_revoked_session_stays_out(cluster, start):
    name = f"hal-{start.name}"
    page = await start(name)
    await call(cluster.nodes[0], "revoke", session=f"s-{name}")

    async def ended():
        return (await log(page))["disconnected"]

    assert (await until("revoked", ended)) == [[4500, "session revoked"]]
    # Until every node has read the event.
    await asyncio.sleep(1)
    await page.evaluate("() => { client.connect(); }")

    async def refused():
        return len((await log(page))["disconnected"]) == 2

    await until("refused", refused)
    seen = await log(page)
    assert seen["disconnected"][1][0] == 4500 and seen["connects"] == 1, seen


async def test_an_expired_token_and_a_refresh(start):
    old = token(SECRET, "ida", "s-ida", seconds=3600, issued=int(time.time()) - 7200)
    brief = [token(SECRET, "ida", "s-ida", seconds=4) for _ in range(1)]
    page = await start("ida", credentials=[old] + brief + [token(SECRET, "ida", "s-ida")])
    # 109 made it fetch another, which it refreshes before its end.

    async def refreshed():
        return (await log(page))["asked"] >= 3

    await until("refreshed", refreshed)
    seen = await log(page)
    assert seen["connects"] == 1 and seen["disconnected"] == []


async def test_a_message_that_is_too_long(cluster, start):
    channel = f"chat:long-{start.name}"
    page = await start("joy")
    await page.evaluate("channel => subscribe(channel)", channel)
    outcome = await page.evaluate(
        "channel => client.publish(channel, encode('x'.repeat(65537))).then(() => 'done', error => 'refused')", channel)
    assert outcome == "refused"
    if start.transport == "websocket":
        async def ended():
            return (await log(page))["disconnected"]

        # 1009 is final for the SDK.
        assert (await until("closed", ended))[0][0] == 3


async def test_private_and_user_limited_channels(cluster, start):
    page = await start("kim")
    channel = f"$room:private-{start.name}"
    grant = token(SECRET, "kim", "s-kim", channel=channel)
    await page.evaluate("([channel, token]) => subscribe(channel, {token})", [channel, grant])
    await page.evaluate("channel => subscribe(channel)", f"room:{start.name}#kim,lou")
    outcome = await page.evaluate(
        "channel => subscribe(channel).then(() => 'in', () => 'out')", f"room:{start.name}#lou")
    assert outcome == "out"
    assert (await log(page))["unsubscribed"][f"room:{start.name}#lou"] == [103]
