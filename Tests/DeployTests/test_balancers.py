# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Balancers: HAProxy, nginx and Envoy with real nodes and real clients, by the files as they are but for addresses."""

import asyncio
import contextlib
import json
import re
import signal
import subprocess
from types import SimpleNamespace

import aiohttp
import pytest
import yaml
from aiohttp import web

import kit
from balancers import FILES, balancer, read
from cluster import API_KEY, SECRET, Node, Process, connectable, free_port, wait_for

ENVIRONMENT = {
    "MARTLET_AUTH_HMAC_SECRET": SECRET,
    "MARTLET_API_KEYS": API_KEY,
    "MARTLET_AUTH_ANONYMOUS": "true",
    # Longer than a balancer takes to notice, as it must be.
    "MARTLET_DRAIN_DELAY": "4s",
    "MARTLET_DRAIN_WINDOW": "1s",
    "MARTLET_LISTEN_TRUSTED_PROXIES": "127.0.0.1/32",
    "MARTLET_LIMITS_CONNECTIONS_PER_ADDRESS_MAX": "15",
}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
NAMESPACES = "namespaces:\n  - {subscribe: anonymous, publish: anonymous}\n"


@pytest.fixture(scope="module", params=FILES)
def front(request, tmp_path_factory):
    """Two nodes behind a balancer: its URL, the nodes, and whether it speaks the PROXY protocol."""
    with_header = request.param.endswith("proxy-protocol")
    directory = tmp_path_factory.mktemp(request.param)
    configuration = directory / "martlet.yaml"
    configuration.write_text(NAMESPACES)
    environment = ENVIRONMENT | {"MARTLET_CONFIG": str(configuration)}
    if with_header:
        environment["MARTLET_LISTEN_PROXY_PROTOCOL"] = "required"
        # What such a balancer has sent to a node it sends to no other: it must have noticed on a busy machine, too.
        environment["MARTLET_DRAIN_DELAY"] = "15s"
    nodes, process = [], None
    try:
        # One after the other: a port is free until somebody listens.
        for name in ("node-1", "node-2"):
            nodes.append(Node(directory, environment, name))
            nodes[-1].start()
        port = free_port()
        process = balancer(request.param, nodes, port, directory)
        process.start()
        wait_for(request.param, lambda: connectable(port))
        yield f"http://127.0.0.1:{port}", nodes, with_header
    finally:
        if process:
            process.stop(5)
        for node in nodes:
            node.process.stop(5, signal.SIGKILL)


def publish(nodes, text: str):
    """To every node: they have no Redis between them."""
    for node in nodes:
        node.api("publish", {"channel": "news", "data": {"text": text}})


def open_by_node(nodes) -> list[int]:
    return [int(node.metrics()["martlet_open_connections"]) for node in nodes]


async def until(check, seconds: float = 30):
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(check):
            await asyncio.sleep(0.05)


def test_events_leave_when_they_come(front):
    """Not when a buffer is full, nor when the stream ends."""
    url, nodes, _ = front

    async def run():
        async with aiohttp.ClientSession() as http, http.get(f"{url}/events?channel=news") as answer:
            assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/event-stream")
            await until(lambda: sum(open_by_node(nodes)) == 1)
            for text in ("one", "two", "three"):
                await asyncio.to_thread(publish, nodes, text)
                async with asyncio.timeout(20):
                    while True:
                        line = (await answer.content.readline()).decode()
                        if line.startswith("data:") and text in line:
                            break
        await until(lambda: sum(open_by_node(nodes)) == 0)

    asyncio.run(run())


def test_websockets_pass(front):
    url, nodes, _ = front

    async def run():
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/ws") as socket:
            await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "connect", "params": {}})
            assert "result" in await socket.receive_json(timeout=30)
            await socket.send_json({"jsonrpc": "2.0", "id": 2, "method": "subscribe", "params": {"channel": "news"}})
            assert "result" in await socket.receive_json(timeout=30)
            await asyncio.to_thread(publish, nodes, "hello")
            assert "hello" in json.dumps(await socket.receive_json(timeout=30))
        await until(lambda: sum(open_by_node(nodes)) == 0)

    asyncio.run(run())


def test_the_emptier_node_is_next(front):
    """Least connections: also after one node lost all of its own."""
    url, nodes, _ = front

    async def run():
        async with aiohttp.ClientSession() as http:
            held = [await http.get(f"{url}/events?channel=news") for _ in range(20)]
            await until(lambda: sum(open_by_node(nodes)) == 20)
            assert max(open_by_node(nodes)) <= 12, open_by_node(nodes)
            for answer in held:
                answer.close()
            await until(lambda: sum(open_by_node(nodes)) == 0)

    asyncio.run(run())


def test_the_client_is_named(front):
    """Each client counts by its own address; the balancer's, which is trusted, would never be limited."""
    url, nodes, with_header = front

    async def run():
        def client(address: str) -> aiohttp.ClientSession:
            return aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(address, 0), limit=0))

        async with client("127.0.0.7") as many, client("127.0.0.8") as another:
            held = [await many.get(f"{url}/events?channel=news") for _ in range(36)]
            # EventSource takes no 429: such a client is told in a stream of its own, whatever its status.
            await until(lambda: sum(open_by_node(nodes)) == 30)
            held.append(await another.get(f"{url}/events?channel=news"))
            assert held[-1].status == 200
            await until(lambda: sum(open_by_node(nodes)) == 31)
            for answer in held:
                answer.close()
            await until(lambda: sum(open_by_node(nodes)) == 0)
        if with_header:
            # Past the balancer nobody says who they are, and nobody comes in.
            async with aiohttp.ClientSession() as http:
                with pytest.raises(aiohttp.ClientError):
                    await http.get(f"http://127.0.0.1:{nodes[0].public}/events?channel=news")

    asyncio.run(run())


def test_other_paths_do_not_pass(front):
    url, _, with_header = front
    if with_header:
        return  # It looks into nothing.

    async def run():
        async with aiohttp.ClientSession() as http:
            for path in ("/", "/api/publish", "/metrics", "/console"):
                async with http.get(f"{url}{path}") as answer:
                    assert answer.status == 404, path

    asyncio.run(run())


def test_the_test_of_the_chart_passes(front):
    """What `helm test` runs in a pod, here beside one."""
    url, nodes, with_header = front
    protocol = "required" if with_header else "off"
    documents = kit.render("--set", "existingSecret=martlet", "--set", f"config.listen.proxy_protocol={protocol}")
    test = next(document for document in documents if document["kind"] == "Pod")["spec"]["containers"][0]
    script = test["args"][0].replace("martlet-internal 9000", f"127.0.0.1 {nodes[0].internal}")
    public = url.rpartition(":")[2]
    script = script.replace("ask martlet 80", f"ask 127.0.0.1 {public}").replace("/martlet/80", f"/127.0.0.1/{public}")
    command = [*test["command"], script]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and "internal: HTTP/1.1 200" in result.stdout, result.stdout + result.stderr
    for port in (str(nodes[0].internal), public):
        nothing = [part.replace(port, str(free_port())) for part in command]
        assert subprocess.run(nothing, capture_output=True, timeout=60).returncode != 0


def test_a_draining_node_sends_nobody_away(front, request):
    """The last but one test of a balancer: what a draining node refuses, the other one takes."""
    url, nodes, _ = front
    if request.node.callspec.params["front"] == "nginx-proxy-protocol":
        pytest.skip("it neither looks into anything nor asks /readyz: not for more than one node")

    async def run():
        nodes[0].process.send(signal.SIGTERM)
        attempts = 0
        async with aiohttp.ClientSession() as http:
            while nodes[0].process.child.poll() is None or attempts < 60:
                async with http.ws_connect(f"{url}/ws"):
                    attempts += 1
                # Nor event streams, which are told `retry:` and end where they are refused.
                async with http.get(f"{url}/events?channel=news") as answer:
                    assert answer.status == 200
                    while (line := await answer.content.readline()) and not line.startswith(b":"):
                        pass
                    assert line, f"an event stream was sent away after {attempts} attempts"
                await asyncio.sleep(0.02)

    asyncio.run(run())


def test_streams_are_told_when_to_come_back_where_no_node_is_there(front):
    """The last test of a balancer: to a browser anything but 200 would be final."""
    url, nodes, with_header = front
    if with_header:
        return  # The client's connection fails, after which a browser tries again by itself.
    # The one that is left stays, and refuses.
    nodes[1].api("drain", {})

    async def run():
        async with aiohttp.ClientSession() as http:

            async def told() -> bool:
                async with http.get(f"{url}/events?channel=news") as answer:
                    text = await answer.text()
                    return answer.status == 200 and re.fullmatch(r"retry: [0-9]{4,5}\n\n", text) is not None

            async def all_are_told():
                async with asyncio.timeout(30):
                    while not await told():
                        await asyncio.sleep(0.1)
                async with http.get(f"{url}/ws", headers=UPGRADE) as answer:
                    assert answer.status == 503

            async def are_readable():
                # For a page of another origin, whose EventSource would give up otherwise.
                page = {"Origin": "https://page.example"}
                async with http.get(f"{url}/events?channel=news", headers=page) as answer:
                    assert answer.headers.getall("Access-Control-Allow-Origin") == ["https://page.example"]
                    assert answer.headers.getall("Access-Control-Allow-Credentials") == ["true"]

            await all_are_told()
            for node in nodes:
                await asyncio.to_thread(node.process.stop, 1, signal.SIGKILL)
            await all_are_told()
            await are_readable()

    asyncio.run(run())


@pytest.mark.parametrize("name", FILES)
def test_silence_is_longer_than_pings(name):
    """Twice a ping interval (25 s) and its answer's time (8 s), by the defaults in Docs/Configuration.md."""
    settings = r"timeout (?:client|server|tunnel) |proxy_(?:read|send_)?timeout |(?:stream_)?idle_timeout: "
    found = re.findall(rf"(?:{settings})(\d+)s", read(name))
    assert found and all(int(seconds) >= 2 * (25 + 8) for seconds in found)


@pytest.mark.parametrize("name", ["envoy", "envoy-proxy-protocol"])
def test_envoy_has_no_bound_of_its_defaults(name):
    """Of what is open, waits or is tried again at a time: 1,024 and 3 are for requests that end."""
    (cluster,) = yaml.safe_load(read(name))["static_resources"]["clusters"]
    (thresholds,) = cluster["circuit_breakers"]["thresholds"]
    for bound in ("max_connections", "max_requests", "max_pending_requests", "max_retries"):
        assert thresholds[bound] >= 100_000, bound


@pytest.mark.parametrize("name", ["envoy", "envoy-proxy-protocol"])
def test_envoy_asks_for_readiness_also_before_anybody_came(name):
    """Else it asks once a minute until then, and the first clients meet nodes that went in between."""
    (cluster,) = yaml.safe_load(read(name))["static_resources"]["clusters"]
    (check,) = cluster["health_checks"]
    assert check["no_traffic_interval"] == check["interval"]


def test_envoy_sends_all_on_whom_a_node_refuses(tmp_path):
    """Also where that node is the emptiest, and where many come at a time."""
    clients = 40

    async def ready(_):
        return web.Response()

    async def full(_):
        return web.Response(status=503, headers={"Retry-After": "1"})

    async def stream(request):
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b": hello\n\n")
        # Until its client is gone.
        while (transport := request.transport) and not transport.is_closing():
            await asyncio.sleep(0.1)
        return answer

    async def node(held, handler) -> SimpleNamespace:
        application = web.Application()
        application.router.add_get("/readyz", ready)
        application.router.add_get("/events", handler)
        runner = web.AppRunner(application, shutdown_timeout=0)
        held.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        return SimpleNamespace(public=port, internal=port)

    async def run():
        async with contextlib.AsyncExitStack() as held:
            nodes = [await node(held, full), await node(held, stream)]
            port = free_port()
            process = await asyncio.to_thread(balancer, "envoy", nodes, port, tmp_path)
            held.push_async_callback(asyncio.to_thread, process.stop, 5)
            await asyncio.to_thread(process.start)
            await asyncio.to_thread(wait_for, "envoy", lambda: connectable(port))
            http = await held.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
            async with asyncio.timeout(30):
                # One after the other, so that the node that refuses is always the emptiest, which is asked first.
                answers = [await http.get(f"http://127.0.0.1:{port}/events") for _ in range(clients)]
                answers += await asyncio.gather(*(http.get(f"http://127.0.0.1:{port}/events") for _ in range(clients)))
                first = [await answer.content.readline() for answer in answers]
            for answer in answers:
                answer.close()
            assert first == [b": hello\n"] * (2 * clients)

    asyncio.run(run())


def test_haproxy_as_an_ingress_tells_streams_when_to_come_back(tmp_path):
    """By the annotation of the chart, in a backend whose servers are away, as the controller writes it."""
    presets = yaml.safe_load((kit.CHART / "files" / "ingress-annotations.yaml").read_text())
    snippet = presets["haproxy"]["haproxy.org/backend-config-snippet"]
    port = free_port()
    path = tmp_path / "haproxy.cfg"
    path.write_text(
        "defaults\n  mode http\n  timeout client 9s\n  timeout server 9s\n  timeout connect 2s\n"
        f"frontend clients\n  bind 127.0.0.1:{port}\n  default_backend nodes\n"
        "backend nodes\n  balance leastconn\n  no option abortonclose\n  default-server check\n"
        + "".join(f"  {line}\n" for line in snippet.splitlines())
        + "  server SRV_1 127.0.0.1:8080 disabled\n"
    )
    result = subprocess.run(["haproxy", "-c", "-f", path], capture_output=True, text=True)
    assert result.returncode == 0 and "warn" not in (result.stdout + result.stderr).lower(), result.stderr
    process = Process("haproxy", ["haproxy", "-db", "-f", path], tmp_path)

    async def run():
        async with aiohttp.ClientSession(headers={"Origin": "https://page.example"}) as http:
            for stream in ("/events?channel=news", "/connection/uni_sse", "/connection/sse"):
                async with http.get(f"http://127.0.0.1:{port}{stream}") as answer:
                    assert answer.status == 200 and re.fullmatch(r"retry: [0-9]{4,5}\n\n", await answer.text())
                    assert answer.headers["Access-Control-Allow-Origin"] == "https://page.example"
            async with http.get(f"http://127.0.0.1:{port}/ws", headers=UPGRADE) as answer:
                assert answer.status == 503

    try:
        process.start()
        wait_for("haproxy", lambda: connectable(port))
        asyncio.run(run())
    finally:
        process.stop(5)
