# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The Centrifuge protocol in JSON from a browser, over a WebSocket and over event streams with emulation, through a
balancer that sends one request here and the next there."""

import asyncio
import http.server
import threading

import pytest
import pytest_asyncio

from clients import token, until
from cluster import SECRET, Cluster

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A client of the protocol in the few lines that the tests need; frames of commands go out by `send`.
PAGE = b"""<!doctype html><script>
const log = {replies: {}, pushes: [], pings: 0, ended: null};
let send, session, node, number = 0;
function take(text) {
    for (const line of text.split('\\n')) {
        const answer = JSON.parse(line);
        if (answer.id) { log.replies[answer.id] = answer; if (answer.connect) ({session, node} = answer.connect); }
        else if (answer.push) { log.pushes.push(answer.push); if (answer.push.disconnect) log.ended = answer.push.disconnect; }
        else { log.pings += 1; send([{}]); }
    }
}
const frame = commands => commands.map(each => JSON.stringify(each)).join('\\n');
function webSocket(front, first) {
    const socket = new WebSocket(front.replace('http', 'ws') + '/connection/websocket');
    send = commands => socket.send(frame(commands));
    socket.onopen = () => send(first);
    socket.onmessage = event => take(event.data);
    socket.onclose = event => { log.ended ||= {code: event.code, reason: event.reason}; };
}
function eventSource(front, first) {
    const source = new EventSource(front + '/connection/sse?cf_connect=' + encodeURIComponent(frame(first)));
    send = commands => fetch(front + '/emulation', {
        method: 'POST', headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({session, node, data: frame(commands)})}).then(answer => { log.status = answer.status; });
    source.onmessage = event => take(event.data);
    source.onerror = () => { source.close(); log.ended ||= {code: 1, reason: 'stream'}; };
}
async function httpStream(front, first) {
    send = commands => fetch(front + '/emulation', {
        method: 'POST', headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({session, node, data: frame(commands)})}).then(answer => { log.status = answer.status; });
    const answer = await fetch(front + '/connection/http_stream', {method: 'POST', body: frame(first)});
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
        const {value, done} = await reader.read();
        if (done) { log.ended ||= {code: 1, reason: 'stream'}; return; }
        const lines = (rest + value).split('\\n');
        rest = lines.pop();
        lines.forEach(take);
    }
}
</script>"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster():
    cluster = Cluster(
        2, prometheus=False,
        node_environment={
            "MARTLET_LIMITS_PING_INTERVAL": "4s", "MARTLET_LIMITS_PONG_TIMEOUT": "3s", "MARTLET_DRAIN_DELAY": "0s",
            "MARTLET_DRAIN_WINDOW": "1s"})
    cluster.balance = "roundrobin"
    await asyncio.to_thread(cluster.start)
    yield cluster
    await asyncio.to_thread(cluster.stop)


@pytest.mark.parametrize("transport", ["webSocket", "eventSource", "httpStream"])
async def test_commands_and_messages(cluster, browser, site, transport):
    page = await browser.new_page()
    await page.goto(site)
    channel = f"room:{transport}"
    # Both in the first frame: the subscription waits for the connection.
    first = [
        {"id": 1, "connect": {"token": token(SECRET, "ann", f"s-{transport}")}},
        {"id": 2, "subscribe": {"channel": channel}}]
    await page.evaluate(f"([front, first]) => {{ {transport}(front, first); }}",
                        [f"http://127.0.0.1:{cluster.front_port}", first])

    async def replied(number):
        return await page.evaluate("number => log.replies[number]", number)

    connect = (await until("connected", lambda: replied(1)))["connect"]
    assert connect["ping"] == 4 and connect["pong"] is True
    assert (await until("subscribed", lambda: replied(2)))["subscribe"]["recoverable"] is True
    # Every request through the balancer goes to the next node: half of these to one that does not hold the stream.
    for number in range(3, 9):
        await page.evaluate("command => send([command])", {
            "id": number, "publish": {"channel": channel, "data": {"n": number, "text": "a\nb"}}})
        assert (await until(f"publication {number}", lambda: replied(number))) == {"id": number, "publish": {}}

    async def pushed():
        pushes = await page.evaluate("log.pushes.filter(push => push.pub).map(push => push.pub)")
        return pushes if len(pushes) >= 6 else None

    # A message and the answer to who published it come by different ways.
    pushes = await until("the messages", pushed)
    assert [push["data"] for push in pushes] == [{"n": number, "text": "a\nb"} for number in range(3, 9)]
    assert [push["offset"] for push in pushes] == list(range(1, 7))
    assert pushes[0]["info"]["user"] == "ann"

    async def pinged():
        return await page.evaluate("log.pings") >= 2

    await until("pings that were answered", pinged)
    assert await page.evaluate("log.ended") is None
    if transport != "webSocket":
        # A node that nobody knows, and a secret that is none.
        statuses = await page.evaluate(
            """async front => {
                const post = body => fetch(front + '/emulation', {method: 'POST', body}).then(answer => answer.status);
                return [
                    await post(JSON.stringify({session, node: 'nowhere', data: '{}'})), await post('nonsense'),
                    await post(JSON.stringify({session, node, data: 'x'.repeat(70000)}))];
            }""", f"http://127.0.0.1:{cluster.front_port}")
        assert statuses == [404, 400, 413]
    await asyncio.to_thread(cluster.nodes[0].api, "disconnect", {"user": "ann"})

    async def ended():
        return await page.evaluate("log.ended")

    assert (await until("the end", ended))["code"] == 3503
    await page.close()


@pytest.mark.parametrize("path", ["uni_sse", "uni_http_stream", "uni_websocket"])
async def test_unidirectional_streams(cluster, browser, site, path):
    page = await browser.new_page()
    await page.goto(site)
    channel = f"room:{path}"
    credentials = token(SECRET, "bob", f"s-{path}", channels=[channel])
    script = {
        "uni_sse": """new EventSource(front + '/connection/uni_sse?cf_connect=' + encodeURIComponent(connect))
            .onmessage = event => heard.push(JSON.parse(event.data))""",
        "uni_http_stream": """fetch(front + '/connection/uni_http_stream', {method: 'POST', body: connect})
            .then(async answer => { let rest = '';
                for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
                    const lines = (rest + text).split('\\n'); rest = lines.pop();
                    lines.forEach(line => heard.push(JSON.parse(line))); } })""",
        "uni_websocket": """{ const socket = new WebSocket(front.replace('http', 'ws') + '/connection/uni_websocket');
            socket.onopen = () => socket.send(connect);
            socket.onmessage = event => heard.push(JSON.parse(event.data)); }""",
    }[path]
    await page.evaluate(
        f"([front, connect]) => {{ window.heard = []; {script}; }}",
        [f"http://127.0.0.1:{cluster.front_port}", f'{{"token": "{credentials}"}}'])

    async def heard():
        return await page.evaluate("heard")

    first = (await until("connected", heard))[0]["connect"]
    assert list(first["subs"]) == [channel] and first["ping"] == 4, first
    await asyncio.to_thread(cluster.nodes[1].api, "publish", {"channel": channel, "data": {"text": "hello"}})

    async def published():
        return [push for push in await heard() if push.get("pub")]

    [push] = await until("a publication", published)
    assert push["channel"] == channel and push["pub"]["data"] == {"text": "hello"} and push["pub"]["offset"] == 1

    async def pinged():
        return {} in await heard()

    await until("a ping", pinged)
    await page.close()
