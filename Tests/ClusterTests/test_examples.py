# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The examples do what they say, against a node in development mode."""

import asyncio
import functools
import http.server
import os
import subprocess
import sys
import threading

import aiohttp
import pytest
from playwright.async_api import expect

from clients import WebSocketClient, token, until
from cluster import API_KEY, QUICK_DRAIN, ROOT, SECRET, TOPIC, Cluster

pytestmark = pytest.mark.asyncio(loop_scope="module")
EXAMPLES = ROOT / "Examples"


@pytest.fixture(scope="module")
def environment(node):
    return os.environ | {
        "MARTLET": f"ws://127.0.0.1:{node.public}", "MARTLET_API": f"http://127.0.0.1:{node.internal}/api"}


async def announce(environment, text: str, channel: str = "room:lobby") -> str:
    command = [sys.executable, EXAMPLES / "cent" / "announce.py", channel, text]
    environment = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    run = functools.partial(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return (await asyncio.to_thread(run)).stdout.strip()


async def test_a_service_announces_and_a_program_listens(environment, tmp_path):
    output = tmp_path / "listen.txt"
    with open(output, "w") as file:
        listener = subprocess.Popen(
            [sys.executable, EXAMPLES / "centrifuge-python" / "listen.py", "room:lobby"], env=environment, stdout=file)
    try:
        await until("it listens", lambda: "listening" in output.read_text())
        assert "1 connections are there" in await announce(environment, "hello")
        await until("it heard", lambda: "{'text': 'hello'}" in output.read_text())
    finally:
        listener.terminate()
        listener.wait(10)


async def test_a_worker_that_is_restarted_misses_nothing(environment, tmp_path):
    output, places = tmp_path / "worker.txt", tmp_path / "places"
    # The SDK is imported under the name of another, and so has a place of its own.
    environment = environment | {"PYTHONPATH": str(ROOT / ".cache" / "markethub-ddn")}
    command = [sys.executable, EXAMPLES / "markethub-ddn" / "worker.py", "room:work", str(places)]
    announce_work = functools.partial(announce, environment, channel="room:work")

    async def run(text: str, offset: int, *expected: str):
        with open(output, "w") as file:
            worker = subprocess.Popen(command, env=environment, stdout=file)
        try:
            await until("it listens", lambda: "listening" in output.read_text())
            await announce_work(text)
            await until("it heard", lambda: text in output.read_text())
            place = places / "room_work.json"
            await until("its place is kept", lambda: place.exists() and f'"offset": {offset},' in place.read_text())
        finally:
            worker.kill()
            worker.wait(10)
        assert [line for line in output.read_text().splitlines() if line.startswith("{")] == [
            str({"text": each}) for each in expected]

    await run("one", 1, "one")
    for text in ["two", "three"]:
        await announce_work(text)
    await run("four", 4, "two", "three", "four")


@pytest.fixture(scope="module")
def site():
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Handler, directory=str(EXAMPLES / "browser"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize("name", ["events.html", "websocket.html"])
async def test_a_page_with_nothing_but_the_browser(node, environment, browser, site, name):
    page = await browser.new_page()
    await page.goto(f"{site}/{name}?node=http://127.0.0.1:{node.public}")
    await expect(page.locator("#state")).to_have_text("listening")
    await announce(environment, f"to {name}")
    await expect(page.locator("#messages li").last).to_have_text(f'{{"text":"to {name}"}}')
    if name == "websocket.html":
        await page.fill("#text", "from the page")
        await page.click("button")
        await expect(page.locator("#messages li").last).to_have_text('{"text":"from the page"}')
    await page.close()


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(1, prometheus=False, node_environment=QUICK_DRAIN).start()
    yield cluster
    cluster.stop()


@pytest.mark.parametrize("program, by, target, code", [
    ("revoke.py", "kafka", "session", 4500), ("revoke.py", "kafka", "user", 4501),
    ("revoke.sh", "kafka", "session", 4500), ("revoke.sh", "kafka", "token", 4502), ("revoke.sh", "api", "user", 4501),
])
async def test_a_service_ends_a_session(cluster, program, by, target, code):
    node, tag = cluster.nodes[0], f"{program}-{by}-{target}"
    names = {"session": f"s-{tag}", "user": f"u-{tag}", "token": f"t-{tag}"}
    environments = {
        "kafka": {"KAFKA_BROKERS": cluster.brokers, "KAFKA_TOPIC": TOPIC},
        "api": {"MARTLET_API": f"http://127.0.0.1:{node.internal}/api", "MARTLET_API_KEY": API_KEY}}
    interpreter = sys.executable if program.endswith(".py") else "bash"
    run = functools.partial(
        subprocess.run, [interpreter, program, target, names[target]], cwd=EXAMPLES / "revocation",
        env=os.environ | environments[by], capture_output=True, text=True, timeout=60)
    credentials = token(SECRET, names["user"], names["session"], jti=names["token"])
    async with aiohttp.ClientSession() as http:
        address = f"http://127.0.0.1:{node.public}"
        client = WebSocketClient(http, address, names["user"], names["session"], credentials, ["news"]).start()
        other = WebSocketClient(http, address, "other", "other", token(SECRET, "other", "other"), ["news"]).start()
        await until("both are there", lambda: client.connected.is_set() and other.connected.is_set())
        outcome = await asyncio.to_thread(run)
        assert outcome.returncode == 0, outcome.stderr
        await until("it is ended", lambda: client.final)
        assert client.ends[-1][0] == code, client.ends
        assert other.connected.is_set() and not other.ends
        await client.stop()
        await other.stop()
